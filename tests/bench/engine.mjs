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

/** Milliseconds from the call of abort to the end of the work: of a prefill, or of decoding after a short prompt. */
async function timeAbort(model, { prompt, decode, afterMs }) {
    const controller = new AbortController();
    const options = { maxTokens: decode ? null : 1, temperature: 0, signal: controller.signal };
    const end = model
        .generate(promptOf(decode ? 2 : prompt), options)
        .result.then(({ finish }) => ({ finish, at: performance.now() }));
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const begin = performance.now();
    controller.abort();
    const { finish, at } = await end;
    if (finish !== 'abort')
        throw new Error('the work was done before the abort: give it more tokens');
    return at - begin;
}

/**
 * Answers {op, ...} with {value} or {error}: `open` a model of random weights, `measure` its speed, `abort` a
 * prefill or decoding, `answer` with a hash of the logits after a prompt.
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
        abort: (request) => timeAbort(model, request),
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
