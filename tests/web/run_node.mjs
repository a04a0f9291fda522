// node run_node.mjs FOLDER: runs FOLDER/model.onnx on FOLDER/inputs.json and prints the results as JSON.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as ort from "onnxruntime-web";

import { infer } from "./infer.mjs";

const folder = process.argv[2];
const model = await readFile(join(folder, "model.onnx"));
const batches = JSON.parse(await readFile(join(folder, "inputs.json"), "utf8"));
const result = await infer(ort, model, batches);
process.stdout.write(JSON.stringify({ agent: `Node.js ${process.version}`, ...result }));
