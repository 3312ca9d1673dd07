// One definition for every engine: wall time as the caller sees it, by the caller's clock.
//
// Prefill: a prompt of which `fresh` tokens are new to the engine, and one token is drawn: fresh / time.
// Decode: the same prompt again, and n tokens are drawn greedily. The engine still has all but the last
// token of the prompt, so that this is n passes through the model, one for each token: n / time.
// Both counts are checked against what the engine says it has computed.
import { summary } from '../report.mjs';
import { promptIds } from './vocabulary.mjs';

async function complete(engine, ids, n, computed) {
    const seen = await engine.complete(ids, n);
    if (seen.computed !== computed || seen.generated !== n)
        throw new Error(
            `it computed ${seen.computed} tokens of the prompt and drew ${seen.generated}, ` +
                `instead of ${computed} and ${n}`,
        );
    return seen.ms;
}

/**
 * @typedef {object} Setting
 * @property {number} depth tokens in the context when decoding begins
 * @property {number} decode tokens to draw
 * @property {number[]} prompts lengths of prompts to time, beside the depth
 * @property {number} fresh how many of the depth's tokens are new in each round
 *
 * @typedef {{decode: number, prefill: Record<number, number>}} Sample tokens a second, by length
 */

/**
 * @param {{complete: (ids: number[], n: number) => Promise<{ms: number, computed: number, generated: number}>}} engine
 * @param {Setting} setting
 * @param {number} round
 * @returns {Promise<Sample>}
 */
export async function measureRound(engine, { depth, decode, prompts, fresh }, round) {
    const perSecond = (tokens, ms) => (1000 * tokens) / ms;
    // No prompt begins like the one before it.
    let salt = round * (1 + prompts.length);
    const ids = promptIds(depth, fresh, salt);
    const prefill = { [depth]: perSecond(fresh, await complete(engine, ids, 1, fresh)) };
    const decoded = perSecond(decode, await complete(engine, ids, decode, 1));
    for (const length of prompts) {
        const ms = await complete(engine, promptIds(length, length, ++salt), 1, length);
        prefill[length] = perSecond(length, ms);
    }
    return { decode: decoded, prefill };
}

/** What no round has to pay for: compilation in tiers, page faults, the tokens that stay. */
export async function warmUp(engine, setting) {
    await engine.complete(promptIds(setting.depth, setting.fresh, 0), 1);
    await measureRound(engine, { ...setting, prompts: [] }, 1);
}

/** @param {(number | null)[]} values by round; null where there is none */
export function summarise(values) {
    const there = values.filter((value) => value !== null);
    return there.length > 0 ? { ...summary(there), runs: values } : null;
}
