// A SentencePiece model file (protocol buffers) of a vocabulary, for Google's own implementation.

import { scoresOf, tokensOf } from './vocabularies.mjs';

function varint(number) {
    const bytes = [];
    for (; number > 127; number >>>= 7) bytes.push((number & 127) | 128);
    return Buffer.from([...bytes, number]);
}

const [VARINT, BYTES, FIXED32] = [0, 2, 5];
const field = (number, type, bytes) => Buffer.concat([varint((number << 3) | type), bytes]);
const integer = (number, value) => field(number, VARINT, varint(value));
const bytes = (number, data) => field(number, BYTES, Buffer.concat([varint(data.length), data]));
const float = (number, value) => field(number, FIXED32, Buffer.from(Float32Array.of(value).buffer));

/** BPE with byte_fallback, a space put first, no other normalisation: as Llama 2's tokenizer.model. */
export function sentencePieceModel(json, nVocab) {
    const scores = scoresOf(json, nVocab);
    const pieces = tokensOf(json, nVocab).map(({ text, kind }, id) =>
        bytes(
            1,
            Buffer.concat([bytes(1, Buffer.from(text)), float(2, scores[id]), integer(3, kind)]),
        ),
    );
    const MODEL_TYPE_BPE = 2;
    const trainer = [integer(3, MODEL_TYPE_BPE), integer(4, nVocab), integer(35, 1)];
    const normalizer = [
        bytes(1, Buffer.from('identity')),
        integer(3, 1), // add_dummy_prefix
        integer(4, 0), // remove_extra_whitespaces
        integer(5, 1), // escape_whitespaces
    ];
    return Buffer.concat([
        ...pieces,
        bytes(2, Buffer.concat(trainer)),
        bytes(3, Buffer.concat(normalizer)),
    ]);
}
