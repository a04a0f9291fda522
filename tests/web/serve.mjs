// A static server of this machine only, for the page, onnxruntime-web and one job; the page posts its results back.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".onnx": "application/octet-stream",
};

/**
 * @param {string} job the folder with model.onnx and inputs.json
 * @param {(result: string) => void} finished called with what the page posts
 * @returns the server, and the list of what it served: `[path, status]` each
 */
export async function serve(job, finished) {
  const folders = { "/": HERE, "/ort/": join(HERE, "node_modules", "onnxruntime-web", "dist"), "/job/": job };
  const served = [];

  async function answer(request, response) {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const end = (status, body = "", type = "text/plain") => {
      served.push([path, status]);
      response.writeHead(status, { "content-type": type }).end(body);
    };
    if (request.method === "POST" && path === "/result") {
      const parts = [];
      for await (const part of request) parts.push(part);
      end(204);
      finished(Buffer.concat(parts).toString("utf8"));
      return;
    }
    const prefix = Object.keys(folders).findLast((key) => path.startsWith(key));
    const file = normalize(path.slice(prefix.length));
    const type = TYPES[extname(file)];
    if (!type || file.startsWith("..")) {
      end(404);
      return;
    }
    try {
      end(200, await readFile(join(folders[prefix], file)), type);
    } catch {
      end(404);
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, served };
}
