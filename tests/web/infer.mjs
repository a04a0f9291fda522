// Runs a job's batches through its model; the same code in Node.js and in the page.

/**
 * @param ort onnxruntime-web
 * @param {Uint8Array} model the ONNX file
 * @param {{shape: number[], data: number[]}[]} batches one float32 input each
 * @returns what ran, and for each batch the outputs by name
 */
export async function infer(ort, model, batches) {
  // One thread: a page gets more only where its server isolates it.
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const [name] = session.inputNames;
  const results = [];
  for (const { shape, data } of batches) {
    const outputs = await session.run({ [name]: new ort.Tensor("float32", Float32Array.from(data), shape) });
    const entries = session.outputNames.map((key) => {
      const { dims, data: numbers } = outputs[key];
      return [key, { shape: [...dims], data: [...numbers] }];
    });
    results.push(Object.fromEntries(entries));
  }
  return { runtime: ort.env.versions.web, inputNames: [...session.inputNames], results };
}
