// Token texts and merges as many and as long as those of Llama 3, made up of four letters.
//
// A byte-level BPE vocabulary has the 256 bytes, then tokens each of which some merges make of two earlier
// ones. Here those are all words of two to eight letters in turn, and then words of ten or eleven, every
// half of which is a shorter word, so that they can be cut, and made, in more than one way.

const LETTERS = 'aent';
const LONGEST_SHORT = 8;
const FIRST_CUT = 3; // of a long word: neither side has more than eight letters

/** Spelled as byte-level tokenizers do: what prints as it is, in the order of those, then the rest. */
function byteTokens() {
    const all = Array.from({ length: 256 }, (_, byte) => byte);
    const prints = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    const hidden = all.filter((byte) => !prints(byte)).map((_, i) => 256 + i);
    return [...all.filter(prints), ...hidden].map((code) => String.fromCharCode(code));
}

/** Word n of those of this length. */
const word = (n, length) =>
    Array.from({ length }, (_, i) => LETTERS[(n >> (2 * (length - 1 - i))) & 3]).join('');

function shortWords(most) {
    const words = [];
    for (let length = 2; length <= LONGEST_SHORT; length++)
        for (let n = 0; n < 4 ** length && words.length < most; n++) words.push(word(n, length));
    return words;
}

const MOST_CUTS = LONGEST_SHORT - FIRST_CUT;

const cut = (text, at) => `${text.slice(0, at)} ${text.slice(at)}`;

/**
 * `bytes`: what words and merges are to take together. As many long words as fit have a letter more, which
 * leaves less unused than such a letter costs.
 * @param {{nWords: number, nMerges: number, bytes?: number}} counts
 * @returns {{tokens: string[], merges: string[], unused: number}}
 */
export function makeVocabulary({ nWords, nMerges, bytes = 0 }) {
    const short = shortWords(nWords);
    const nLong = nWords - short.length;
    if (nMerges < nWords || nMerges > short.length + nLong * MOST_CUTS)
        throw new Error(`${nWords} words cannot have ${nMerges} merges`);
    const rounds = nLong && Math.floor((nMerges - short.length) / nLong);
    const nMore = nLong && (nMerges - short.length) % nLong; // long words with one merge more
    const sum = (texts) => texts.reduce((total, text) => total + text.length, 0);
    const lengthen = 2 + rounds; // in its text and its merges
    const base = 2 * sum(short) + short.length + 10 * nLong + 11 * (nMerges - short.length);
    const nEleven = Math.min(nMore, Math.max(0, Math.floor((bytes - base) / lengthen)));
    const long = Array.from({ length: nLong }, (_, i) => word(21 * i, i < nEleven ? 11 : 10));
    const merges = short.map((text) => cut(text, 1));
    for (let round = 0; merges.length < nMerges; round++)
        for (const text of long.slice(0, nMerges - merges.length))
            merges.push(cut(text, FIRST_CUT + round));
    return {
        tokens: [...byteTokens(), ...short, ...long],
        merges,
        unused: bytes - base - nEleven * lengthen,
    };
}
