// Byte-level BPE with the Llama-3 pre-tokenizer, by the tables of a packed file. Plain text only:
// special tokens are never recognised in it.

const PRE_TOKENS =
    /'(?:s|t|re|ve|m|ll|d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/giu;

/** bytes as a string of code units 0 ... 255, which a Map can hold as a key */
const keyOf = (bytes) => String.fromCharCode(...bytes);

/**
 * The printable alphabet of tokenizer.json: bytes that print stand for themselves, the other 68 for
 * U+0100 and on.
 */
function byteAlphabet() {
    const alphabet = new Map();
    let next = 256;
    for (let byte = 0; byte < 256; byte++) {
        const prints =
            (byte >= 33 && byte <= 126) ||
            (byte >= 161 && byte <= 172) ||
            (byte >= 174 && byte <= 255);
        alphabet.set(String.fromCharCode(prints ? byte : next++), byte);
    }
    return alphabet;
}

/** The tables of a packed file from tokenizer.json; ids without a token are empty and special. */
export function tablesFromJson(json, vocab) {
    const alphabet = byteAlphabet();
    const tokens = Array.from({ length: vocab }, () => ({ bytes: [], special: 1 }));
    for (const [text, id] of Object.entries(json.model.vocab))
        tokens[id] = { bytes: [...text].map((character) => alphabet.get(character)), special: 0 };
    for (const { id, content } of json.added_tokens)
        tokens[id] = { bytes: [...new TextEncoder().encode(content)], special: 1 };
    let end = 0;
    return {
        ends: Int32Array.from(tokens, ({ bytes }) => (end += bytes.length)),
        bytes: Uint8Array.from(tokens.flatMap(({ bytes }) => bytes)),
        special: Uint8Array.from(tokens, ({ special }) => special),
        merges: Int32Array.from(
            json.model.merges.flatMap((merge) => {
                const [left, right] = typeof merge === 'string' ? merge.split(' ') : merge;
                return [left, right, left + right].map((text) => json.model.vocab[text]);
            }),
        ),
        ignoreMerges: json.model.ignore_merges === true,
    };
}

export class Tokenizer {
    constructor({ ends, bytes, special, merges, ignoreMerges }) {
        this.ignoreMerges = ignoreMerges;
        this.ids = new Map();
        ends.forEach((end, id) => {
            if (!special[id]) this.ids.set(keyOf(bytes.subarray(id ? ends[id - 1] : 0, end)), id);
        });
        this.ranks = new Map();
        for (let i = 0; i < merges.length; i += 3)
            this.ranks.set(`${merges[i]} ${merges[i + 1]}`, { rank: i, joined: merges[i + 2] });
    }

    encode(text) {
        return text.match(PRE_TOKENS)?.flatMap((piece) => this.encodePiece(piece)) ?? [];
    }

    encodePiece(piece) {
        const key = keyOf(new TextEncoder().encode(piece));
        if (this.ignoreMerges && this.ids.has(key)) return [this.ids.get(key)];
        const ids = [...key].map((byte) => this.ids.get(byte));
        for (;;) {
            let first = null;
            for (let i = 0; i + 1 < ids.length; i++) {
                const merge = this.ranks.get(`${ids[i]} ${ids[i + 1]}`);
                if (merge && (!first || merge.rank < first.rank)) first = { ...merge, at: i };
            }
            if (!first) return ids;
            ids.splice(first.at, 2, first.joined);
        }
    }
}
