// node run_browser.mjs BROWSER FOLDER: runs a job like run_node.mjs, in a page of a headless Chromium.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { serve } from "./serve.mjs";

const SECONDS = 90;
const [, , browser, job] = process.argv;

const profile = await mkdtemp(join(tmpdir(), "cornu-web-"));
const finished = Promise.withResolvers?.() ?? deferred();
const { server, served } = await serve(job, finished.resolve);
const options = [
  "--headless=new",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--no-first-run",
  // Nothing but this machine can be reached.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  `--user-data-dir=${profile}`,
  // Chromium's sandbox does not work for root, whom containers run as.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];
const child = spawn(browser, [...options, `http://127.0.0.1:${server.address().port}/page.html`], {
  stdio: ["ignore", "ignore", "pipe"],
});
let complaints = "";
child.stderr.on("data", (text) => (complaints = (complaints + text).slice(-4000)));
const gone = new Promise((resolve) => child.once("close", resolve));
child.once("error", finished.reject);
child.once("exit", (code) => finished.reject(new Error(`${browser} ended with ${code} before the page was done`)));
const timer = setTimeout(() => finished.reject(new Error(`The page was not done after ${SECONDS} s`)), SECONDS * 1000);

try {
  const result = JSON.parse(await finished.promise);
  process.stdout.write(JSON.stringify({ ...result, served }));
} catch (error) {
  process.stderr.write(`${error.message}\nServed: ${JSON.stringify(served)}\n${complaints}`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
  child.kill();
  await gone;
  server.closeAllConnections();
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}

function deferred() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}
