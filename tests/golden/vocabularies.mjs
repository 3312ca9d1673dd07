// tokenizer.json and GGUF keys of the tokenizers that public models have. The vocabularies of Llama 3 and
// Llama 2 are the real ones, carried by npm packages; those of Falcon are not to be had that way, so they
// are made: the first merges of Llama 3 (a vocabulary that was stopped earlier) with Falcon's kind of
// added tokens.

import llama2 from 'llama-tokenizer-js';
import llama3 from 'llama3-tokenizer-js';

import { value, writeGguf } from '../bench/peers/gguf.mjs';

const LLAMA3_EXPRESSION =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const N_LLAMA3 = 128000; // tokens without the special ones
const [NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE] = [1, 2, 3, 4, 6];

const added = (id, content, special = true) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
});

/** Puts one token in front of a text, as `add_bos` does. */
const postProcessor = (content, id) => ({
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: content, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
});

const byteLevel = (vocab, merges, addedTokens, processor) => ({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: null,
    pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
            {
                type: 'Split',
                pattern: { Regex: LLAMA3_EXPRESSION },
                behavior: 'Isolated',
                invert: false,
            },
            { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
    },
    post_processor: processor,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: true,
        vocab,
        merges,
    },
});

/** The real vocabulary: 128,000 tokens, 280,147 merges, 256 special tokens. */
export function llama3Json() {
    const vocab = Object.fromEntries(llama3.vocabById.slice(0, N_LLAMA3).map((t, id) => [t, id]));
    const specials = llama3.vocabById.slice(N_LLAMA3).map((t, i) => added(N_LLAMA3 + i, t));
    const first = postProcessor('<|begin_of_text|>', N_LLAMA3);
    return byteLevel(vocab, [...llama3.merges.keys()], specials, first);
}

/**
 * A vocabulary of Falcon's kind: `nVocab` tokens, the first of which are added ones, some of them no
 * special tokens.
 */
export function falconJson(nVocab, nAdded) {
    const names = ['>>TITLE<<', '>>SUFFIX<<', '<|system|>', '<|user|>', '<|assistant|>'];
    const plain = ['<tool_call>', '</tool_call>', 'https://', '\n\n\n\n'];
    const addedTokens = Array.from({ length: nAdded }, (_, id) => {
        if (id < names.length) return added(id, names[id]);
        const at = id - names.length;
        if (at < plain.length) return added(id, plain[at], false);
        return id === 11 ? added(id, '<|endoftext|>') : added(id, `>>UNUSED_${id}<<`);
    });
    const tokens = llama3.vocabById.slice(0, nVocab - nAdded);
    const vocab = Object.fromEntries([
        ...addedTokens.map(({ content, id }) => [content, id]),
        ...tokens.map((text, i) => [text, nAdded + i]),
    ]);
    const known = new Set(tokens);
    const merges = [...llama3.merges.keys()].filter((merge) =>
        [...merge.split(' '), merge.replace(' ', '')].every((text) => known.has(text)),
    );
    const processor = {
        type: 'ByteLevel',
        add_prefix_space: true,
        trim_offsets: false,
        use_regex: true,
    };
    return byteLevel(vocab, merges, addedTokens, processor);
}

/** The real vocabulary of Llama 2, and the two tokens that 1bitLLM's models add to it. */
export function llama2Json() {
    const replace = (old, content) => ({ type: 'Replace', pattern: { String: old }, content });
    return {
        ...byteLevel({}, [], [], postProcessor('<s>', 1)),
        added_tokens: [
            ...['<unk>', '<s>', '</s>'].map((content, id) => added(id, content)),
            added(32000, '<pad>'),
            added(32001, '</line>'),
        ],
        normalizer: {
            type: 'Sequence',
            normalizers: [{ type: 'Prepend', prepend: '▁' }, replace(' ', '▁')],
        },
        pre_tokenizer: null,
        decoder: {
            type: 'Sequence',
            decoders: [
                replace('▁', ' '),
                { type: 'ByteFallback' },
                { type: 'Fuse' },
                { type: 'Strip', content: ' ', start: 1, stop: 0 },
            ],
        },
        model: {
            type: 'BPE',
            dropout: null,
            unk_token: '<unk>',
            continuing_subword_prefix: null,
            end_of_word_suffix: null,
            fuse_unk: true,
            byte_fallback: true,
            vocab: Object.fromEntries(llama2.vocabById.map((text, id) => [text, id])),
            merges: [...llama2.merges.keys()],
        },
    };
}

/** Tokens by id, with the kind that GGUF gives them. */
export function tokensOf(json, nVocab) {
    const tokens = Array.from({ length: nVocab }, (_, id) => ({
        text: `[PAD${id}]`,
        kind: USER_DEFINED,
    }));
    for (const [text, id] of Object.entries(json.model.vocab))
        tokens[id] = { text, kind: /^<0x[0-9A-F]{2}>$/.test(text) ? BYTE : NORMAL };
    for (const { id, content: text, special } of json.added_tokens)
        tokens[id] = { text, kind: special ? CONTROL : USER_DEFINED };
    if (json.model.unk_token) tokens[0].kind = UNKNOWN;
    return tokens;
}

/**
 * SentencePiece's score of every token: minus the place of its first merge. Tokens that nothing is
 * merged to have scores that never count.
 */
export function scoresOf(json, nVocab) {
    const scores = new Float32Array(nVocab);
    const seen = new Set();
    for (const merge of json.model.merges) {
        const text = merge.replace(' ', '');
        if (!seen.has(text)) scores[json.model.vocab[text]] = -seen.size;
        seen.add(text);
    }
    return scores;
}

/** A GGUF file of keys and one number; `model` is gpt2 or llama. */
export function writeVocabulary(file, json, nVocab, { model, arch = 'llama', pre }) {
    const tokens = tokensOf(json, nVocab);
    const keys = {
        'general.architecture': value.string(arch),
        'tokenizer.ggml.model': value.string(model),
        'tokenizer.ggml.tokens': value.strings(tokens.map(({ text }) => text)),
        'tokenizer.ggml.token_type': value.i32s(tokens.map(({ kind }) => kind)),
    };
    if (pre) keys['tokenizer.ggml.pre'] = value.string(pre);
    if (model === 'gpt2') keys['tokenizer.ggml.merges'] = value.strings(json.model.merges);
    else keys['tokenizer.ggml.scores'] = value.f32s([...scoresOf(json, nVocab)]);
    const tensor = { name: 'none', type: 'F32', shape: [1], fill: () => {} };
    writeGguf(file, Object.entries(keys), [tensor]);
}
