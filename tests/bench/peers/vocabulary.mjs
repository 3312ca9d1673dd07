// The vocabulary of the peers' models, and the prompts that can be written in it.

// How a byte-level tokenizer writes a space and a newline.
const BLANKS = ['\u0120', '\u010a'];
const FIRST_LETTER = 33;
const LETTERS = Array.from({ length: 94 }, (_, i) => String.fromCharCode(FIRST_LETTER + i));

/**
 * Tokens of ASCII letters: each alone, then each pair, and so on. As there are no merges, every letter
 * of a text is a token; as all is ASCII, every token is whole text, which no engine holds back.
 */
export function listTokens(n) {
    const tokens = [...BLANKS, ...LETTERS];
    for (let longest = LETTERS; tokens.length < n;) {
        longest = longest.flatMap((text) => LETTERS.map((letter) => text + letter));
        for (const text of longest) if (tokens.length < n) tokens.push(text);
    }
    return tokens;
}

/** A prompt of letters, as ids; only the last `fresh` depend on the salt, and they begin with it. */
export function promptIds(length, fresh, salt) {
    return Array.from({ length }, (_, i) => {
        const letter = i < length - fresh ? i : i + salt;
        return BLANKS.length + (letter % LETTERS.length);
    });
}

/** The same prompt for an engine that takes text only. */
export function textOf(ids) {
    return ids.map((id) => LETTERS[id - BLANKS.length]).join('');
}
