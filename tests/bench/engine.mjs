// One model of random weights in a host, the same in Node and in a page.

/** Ids that mean nothing, the same everywhere. */
const promptOf = (n) => Array.from({ length: n }, (_, i) => (i * 7919) % 4091);

/** FNV-1a over the bytes. */
function hashOf(array) {
    let hash = 0x811c9dc5;
    for (const byte of new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
        hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return hash.toString(16);
}

/** Milliseconds from the call of abort to the end of the work. */
async function timeAbort(model, prompt, afterMs) {
    const controller = new AbortController();
    const end = model
        .generate(promptOf(prompt), { maxTokens: 1, signal: controller.signal })
        .result.then(({ finish }) => ({ finish, at: performance.now() }));
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const begin = performance.now();
    controller.abort();
    const { finish, at } = await end;
    if (finish !== 'abort') throw new Error('the prompt was computed before the abort');
    return at - begin;
}

/**
 * Answers {op, ...} with {value} or {error}: `open` a model of random weights, `measure` its speed, `abort` a
 * prefill, `answer` with a hash of the logits after a prompt.
 * @param {typeof import('../../web/index.js').Trit} Trit
 */
export function serveEngine(Trit) {
    /** @type {import('../../web/model.js').Model} */
    let model;
    const ops = {
        async open({ shape, options }) {
            model = await Trit.synthetic(shape, options);
            return model.info;
        },
        measure: ({ prefill, decode }) => model.measure({ prefill, decode }),
        abort: ({ prompt, afterMs }) => timeAbort(model, prompt, afterMs),
        answer: async () => hashOf(await model.logits(promptOf(100))),
    };
    return async (request) => {
        try {
            return { value: await ops[request.op](request) };
        } catch ({ code, message }) {
            return { error: { code, message } };
        }
    };
}
