import { TritError } from './errors.js';

/** @typedef {import('./engine.js').OpenModel} OpenModel */
/** @typedef {import('./session.js').Job} Job */

/** What every model of text has met much of. */
const sample = 'She went to the park with her mother and her dog. The sun was warm. She was happy.';
/** So many tokens of it tell enough: vocabularies without its words make a hundred of it. */
const SAMPLE_TOKENS = 32;

/**
 * How well the model foretells a text: its tokens are cut into windows that fit the context,
 * BOS before each, and every other token is scored once.
 * @param {OpenModel} open
 * @param {string | Uint8Array} text
 * @param {Job} job
 * @param {(loaded: number, total: number) => void} onProgress
 * @returns {Promise<import('./protocol.js').Score>}
 */
export async function score(open, text, job, onProgress) {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    const { tokens, nats } = await scoreIds(open, open.text.tokenize(bytes, {}), job, onProgress);
    if (tokens === 0) throw new TritError('PARAM', 'the text has no tokens to score');
    return {
        tokens,
        bytes: bytes.length,
        bitsPerByte: nats / Math.LN2 / bytes.length,
        perplexity: Math.exp(nats / tokens),
    };
}

/**
 * As `score`, of its tokens.
 * @param {OpenModel} open
 * @param {number[]} ids
 * @param {Job} job
 * @param {(loaded: number, total: number) => void} onProgress
 */
async function scoreIds({ config, settings, session }, ids, job, onProgress) {
    const prefix = config.bosId >= 0 ? [config.bosId] : [];
    const window = settings.contextLength - 1;
    let tokens = 0;
    let nats = 0;
    for (let begin = 0; begin < ids.length && window > 0; begin += window) {
        const sequence = [...prefix, ...ids.slice(begin, begin + window)];
        for await (const { first, n, rows } of session.rows(sequence, job)) {
            for (let i = 0; i < n && first + i + 1 < sequence.length; i++) {
                const row = rows.subarray(i * config.nVocab, (i + 1) * config.nVocab);
                nats += surprise(row, sequence[first + i + 1]);
                tokens++;
            }
        }
        onProgress(Math.min(begin + window, ids.length), ids.length);
    }
    return { tokens, nats };
}

/**
 * Weights read in a wrong layout foretell text no better than chance, and nothing else tells.
 * @param {OpenModel} open
 * @param {Job} job
 */
export async function readsLikeNoise(open, job) {
    const ids = open.text.tokenize(sample, {}).slice(0, SAMPLE_TOKENS);
    if (ids.length >= open.settings.contextLength) return false;
    const { tokens, nats } = await scoreIds(open, ids, job, () => {});
    open.session.rewind();
    return Math.exp(nats / tokens) > open.config.nVocab / 4;
}

/**
 * -ln of the probability of a token.
 * @param {Float32Array} logits
 * @param {number} id
 */
function surprise(logits, id) {
    let largest = -Infinity;
    for (const logit of logits) if (logit > largest) largest = logit;
    let sum = 0;
    for (const logit of logits) sum += Math.exp(logit - largest);
    return Math.log(sum) + largest - logits[id];
}
