// What the one-hash test computes, in every browser and in Node; tool_hash.c is the same in C. All logits
// of three prompts and 100 tokens sampled after the last one become one hash.

export const N_PROMPT = 210;
export const N_SAMPLE = 100;
export const N_CTX = 320;
export const SAMPLING = Object.freeze({ temperature: 0.8, topK: 40, topP: 0.95, seed: 5 });

/** A run through the public interface names this in place of a kernel table. */
export const API = 'Trit.load';

/** Tokens that `otherPrompt` has in common with the prompt. */
export const N_SAME = 100;
const N_OTHER = 150;
/** To how many tokens the session is rewound after the other prompt. */
export const N_KEPT = 120;

/**
 * With a `rewound` history this is computed before the prompt, so that the prompt goes on from keys
 * and values that an earlier text has left.
 * @param {number[]} prompt
 */
export function otherPrompt(prompt) {
    const ids = prompt.slice(0, N_OTHER);
    ids[N_SAME] ^= 1;
    return ids;
}

/**
 * @param {number} lane
 * @param {number} word
 * @param {number} factor
 */
function mix(lane, word, factor) {
    const product = Math.imul(lane ^ word, factor);
    return product ^ (product >>> 15);
}

/** Each step is one-to-one in the lane and in the word: one changed word always changes the hash. */
export class Hash {
    #a = 1;
    #b = 2;

    /** @param {ArrayLike<number>} words 32-bit integers */
    push(words) {
        let [a, b] = [this.#a, this.#b];
        for (let i = 0; i < words.length; i++) {
            a = mix(a, words[i], 0x9e3779b1);
            b = mix(b, words[i], 0x85ebca6b);
        }
        [this.#a, this.#b] = [a, b];
    }

    toString() {
        return [this.#a, this.#b]
            .map((lane) => (lane >>> 0).toString(16).padStart(8, '0'))
            .join('');
    }
}

/**
 * @param {string} what
 * @param {number} found
 * @param {number} expected
 */
export function demand(what, found, expected) {
    if (found !== expected) throw new Error(`${what}: ${found} instead of ${expected}`);
}
