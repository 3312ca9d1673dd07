// What `npm run soak` holds engines against: a worker with threads, memory and a compiled module like an engine's, in which
// none of our code runs.
const scope = /** @type {any} */ (globalThis);

function beThread({ data }) {
    scope.postMessage('there');
    Atomics.wait(data, 0, 1); // as a thread sleeps that has nothing to do
}

async function beEngine({ data: { bytes, threads, module } }) {
    const initial = Math.ceil(bytes / 65536);
    const memory = new WebAssembly.Memory({ initial, maximum: 65536, shared: true });
    const words = new Int32Array(memory.buffer).fill(1);
    await WebAssembly.compileStreaming(fetch(module));
    for (let i = 1; i < threads; i++) {
        const thread = new Worker(import.meta.url, { type: 'module', name: 'thread' });
        await new Promise((resolve) => {
            thread.onmessage = resolve;
            thread.postMessage(words);
        });
    }
    scope.postMessage('there');
}

scope.onmessage = scope.name === 'thread' ? beThread : beEngine;
