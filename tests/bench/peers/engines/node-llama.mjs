// node-llama-cpp: llama.cpp as native code, in Node.
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

/** @param {{file: string, threads: number, context: number, flash?: boolean}} options */
export async function open({ file, threads, context, flash }) {
    const llama = await getLlama({
        gpu: false,
        build: 'never',
        progressLogs: false,
        logLevel: LlamaLogLevel.error,
        maxThreads: threads,
    });
    const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
    const sequence = (
        await model.createContext({
            contextSize: context + 8, // it shifts before its context is full
            batchSize: 512,
            threads,
            flashAttention: flash,
        })
    ).getSequence();
    return {
        about: { build: llama.llamaCppRelease.release, kv: 'f16' },
        complete: async (ids, n) => {
            const begin = performance.now();
            // What is common stays computed, but the last token has to be for its logits.
            await sequence.adaptStateToTokens(ids.slice(0, -1), false);
            const rest = ids.slice(sequence.nextTokenIndex);
            let generated = 0;
            const answer = sequence.evaluate(rest, { temperature: 0, yieldEogToken: true });
            for await (const _ of answer) if (++generated === n) break;
            return { ms: performance.now() - begin, computed: rest.length, generated };
        },
        close: () => llama.dispose(),
    };
}
