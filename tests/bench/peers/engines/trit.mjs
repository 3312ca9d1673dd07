// trit on a synthetic model, in Node and in a page alike.
const entry = globalThis.window ? 'index.js' : 'node.js';
const { Trit } = await import(`../../../../web/${entry}`);

/** @param {{shape: string, flavour: 'simd128' | 'relaxed', threads: number, context: number}} options */
export async function open({ shape, flavour, threads, context }) {
    // dense: the peers have no way to leave out what is multiplied by zero
    const options = { flavour, threads, contextLength: context, dense: true };
    const model = await Trit.synthetic(shape, options);
    const { nVocab, dim, head, modelBytes, kv, kernels } = model.info;
    // a code a weight, and for each row a scale and a sum
    const headBytes = nVocab * (dim + 8);
    return {
        about: { head, headBytes, modelBytes, kv, kernels },
        complete: async (ids, n) => {
            const begin = performance.now();
            const { usage, ids: answer } = await model.generate(ids, {
                temperature: 0,
                maxTokens: n,
            }).result;
            const ms = performance.now() - begin;
            return { ms, computed: ids.length - usage.cachedTokens, generated: answer.length };
        },
        close: () => model.close(),
    };
}
