// One run through the public interface, the same in Node and in pages.
import { demand, Hash, N_CTX, N_PROMPT, N_SAME, N_SAMPLE, otherPrompt, SAMPLING } from './work.js';

/**
 * @param {typeof import('../../web/index.js').Trit} Trit
 * @param {string} source
 * @param {number[][]} prompts
 * @param {import('./matrix.mjs').Run} run
 * @returns {Promise<string>}
 */
export async function hashByApi(Trit, source, prompts, { kv, threads, flavour, history }) {
    const model = await Trit.load(source, { kv, threads, flavour, contextLength: N_CTX });
    const rewound = history === 'rewound';
    const answerOther = (prompt) =>
        model.generate(otherPrompt(prompt), { temperature: 0, maxTokens: 1 }).result;
    const hash = new Hash();
    for (const prompt of prompts) {
        if (rewound) await answerOther(prompt);
        const logits = await model.logits(prompt, { all: true });
        hash.push(new Uint32Array(logits.buffer));
    }
    const last = prompts.at(-1);
    if (rewound) await answerOther(last);
    const logitBias = Object.fromEntries(model.info.stopIds.map((id) => [id, -Infinity]));
    const options = { ...SAMPLING, maxTokens: N_SAMPLE, logitBias };
    const { ids, usage } = await model.generate(last, options).result;
    demand('reused tokens', usage.cachedTokens, rewound ? N_SAME : N_PROMPT - 1);
    demand('sampled tokens', ids.length, N_SAMPLE);
    hash.push(ids);
    model.close();
    return String(hash);
}
