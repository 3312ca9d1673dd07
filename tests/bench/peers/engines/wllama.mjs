// wllama, in a page, on a GGUF file that the server of the page has.
import { Wllama } from '../node_modules/@wllama/wllama/esm/index.js';
import { textOf } from '../vocabulary.mjs';

const wasm = new URL('../node_modules/@wllama/wllama/esm/wasm/wllama.wasm', import.meta.url).href;

/** @param {{url: string, threads: number, context: number, flash?: boolean}} options */
export async function open({ url, threads, context, flash }) {
    const file = await (await fetch(url)).blob();
    const wllama = new Wllama({ default: wasm }, { suppressNativeLog: true });
    // no other build from a network, should this browser not do for the usual one
    wllama.setCompat(null);
    await wllama.loadModel([file], {
        n_ctx: context + 8, // it stops before its context is full
        n_threads: threads,
        n_parallel: 1,
        n_gpu_layers: 0,
        n_batch: 512,
        n_ubatch: 512,
        ctx_shift: false,
        flash_attn: flash,
    });
    if (wllama.getNumThreads() !== threads)
        throw new Error(`wllama took ${wllama.getNumThreads()} threads instead of ${threads}`);
    return {
        about: { build: Wllama.getLibllamaVersion(), kv: 'f16' },
        complete: async (ids, n) => {
            const begin = performance.now();
            const { timings } = await wllama.createCompletion({
                prompt: textOf(ids),
                max_tokens: n,
                temperature: 0,
                ignore_eos: true,
                cache_prompt: true,
            });
            const ms = performance.now() - begin;
            if (timings.cache_n + timings.prompt_n !== ids.length)
                throw new Error('wllama did not take each letter of the prompt as a token');
            return { ms, computed: timings.prompt_n, generated: timings.predicted_n };
        },
        close: () => wllama.exit(),
    };
}
