// Packed, exported and packed again: the same bytes, whatever the container; and what a container cannot
// hold is refused by its name before a byte is written.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { withInt8Head, writePacked, writeSafetensors } from '../../models/reference/write.mjs';
import { configOf, masters, writeFolder } from './generated.mjs';
import { native, scratch } from './helpers.mjs';
import { byteTables, randomModel } from './random-model.mjs';
import { falconJson, llama2Json, llama3Json } from './vocabularies.mjs';

const folder = fileURLToPath(new URL('../../models/tiny-tales/', import.meta.url));
const CONTAINERS = ['tq2_0', 'i2_s', 'safetensors'];

let files = 0;
const newPath = () => join(scratch, `export-${files++}`);

function pack(source, head, ...options) {
    const out = newPath();
    native('pack', source, '-o', out, '--head', head, ...options);
    return out;
}

function convert(packed, to) {
    const out = newPath();
    if (to === 'safetensors') mkdirSync(out);
    native('convert', packed, '-o', out, '--to', to);
    return out;
}

const assertSameFile = (found, expected, what) =>
    assert.ok(readFileSync(found).equals(readFileSync(expected)), what);

for (const to of CONTAINERS)
    for (const [head, name] of [
        ['f16', 'tiny-tales-f16.trit'],
        ['int8', 'tiny-tales.trit'],
    ])
        test(`tiny-tales, head ${head}, as ${to}`, () => {
            const packed = join(folder, name);
            const exported = convert(packed, to);
            const card = ['--card', join(folder, 'card.json')];
            assertSameFile(pack(exported, head, ...card), packed, 'with its card given again');
            assertSameFile(pack(exported, head), pack(packed, head), 'with the card it carries');
        });

/** Scales that half precision holds (a subnormal too), that only float32 does, and that of zeros. */
const SCALES = { q: 0.75, k: 2 ** -20, v: 1e-5, o: 0.1, gate: 3e-39, up: 12345.678, down: 1 };

function edgeModel(shape, seed) {
    const model = randomModel(shape, seed);
    for (const [name, scale] of Object.entries(SCALES))
        model.layers[0][name].scale = Math.fround(scale);
    model.layers[0].v.codes.fill(0);
    return model;
}

const withoutSubNorms = (model) => {
    for (const site of ['o', 'down']) model.config.site[site].norm = 'none';
    for (const name of ['attn_sub_norm', 'ffn_sub_norm']) delete model.layers[0][name];
    return model;
};

function write(model) {
    const path = newPath();
    writeFileSync(path, writePacked(model));
    return path;
}

const GGUF = ['tq2_0', 'i2_s'];
const BASE = { dim: 256, ffn_dim: 512, head_dim: 128, n_vocab: 259 };
const MODELS = [
    ['bitnet, any scale', edgeModel(BASE, 1), CONTAINERS],
    ['head of its own', edgeModel({ ...BASE, tied_head: false }, 2), CONTAINERS],
    ['no BOS, no stop id', edgeModel({ ...BASE, bos_id: -1, add_bos: false, stop_ids: [] }, 3)],
    ['BOS not added', edgeModel({ ...BASE, add_bos: false, stop_ids: [257, 1] }, 4), CONTAINERS],
    ['squared ReLU', edgeModel({ ...BASE, ffn: 'glu_relu2', stop_ids: [3, 2, 1] }, 5), CONTAINERS],
    ['five stop ids', edgeModel({ ...BASE, stop_ids: [9, 8, 7, 6, 5] }, 6), ['safetensors']],
    ['K = 2688', edgeModel({ ...BASE, dim: 2688 }, 7), ['i2_s', 'safetensors']],
    ['K = 8640', edgeModel({ ...BASE, ffn_dim: 8640 }, 8), ['safetensors']],
    ['small K', edgeModel({ dim: 16, ffn_dim: 12, head_dim: 8, n_vocab: 261 }, 9), ['safetensors']],
    ['llama', withoutSubNorms(edgeModel(BASE, 10)), ['i2_s', 'safetensors']],
    [
        'llama, scales of half precision',
        withoutSubNorms(randomModel({ ...BASE, tied_head: false, norm_eps: 1e-6 }, 11)),
        CONTAINERS,
    ],
    [
        'llama with squared ReLU',
        withoutSubNorms(edgeModel({ ...BASE, ffn: 'glu_relu2' }, 12)),
        ['safetensors'],
    ],
];
for (const weight of Object.values(MODELS[10][1].layers[0])) if (weight.codes) weight.scale = 0.5;

for (const [name, model, containers = CONTAINERS] of MODELS)
    test(`${name}: the same bytes as ${containers.join(', ')}, the others are refused`, () => {
        for (const [head, made] of [
            ['f16', model],
            ['int8', withInt8Head(model)],
        ]) {
            const packed = write({ ...made, card: { name: 'ü "x" \\ \n', list: [1.5, null] } });
            for (const to of CONTAINERS)
                if (containers.includes(to))
                    assertSameFile(pack(convert(packed, to), head), pack(packed, head), to);
                else assert.throws(() => convert(packed, to), /UNSUPPORTED: /);
        }
    });

test('what a container cannot hold', () => {
    const special = (text) => ({
        ...edgeModel(BASE, 20),
        tokenizer: byteTables(BASE.n_vocab, (id) => text + id),
    });
    const merging = edgeModel(BASE, 21);
    merging.tokenizer.ignoreMerges = false;
    const zero = edgeModel(BASE, 22);
    zero.layers[0].up.scale = 0;
    const lopsided = edgeModel(BASE, 23);
    lopsided.config.site.o.norm = 'none';
    delete lopsided.layers[0].attn_sub_norm;
    const cases = [
        [edgeModel({ ...BASE, dim: 2688 }, 7), ['tq2_0'], 'blk.0.attn_q.weight: a row of 2688'],
        [edgeModel({ ...BASE, ffn_dim: 8640 }, 8), GGUF, 'blk.0.ffn_down.weight: a row of 8640'],
        [withoutSubNorms(edgeModel(BASE, 10)), ['tq2_0'], 'no half-precision number'],
        [withoutSubNorms(edgeModel({ ...BASE, ffn: 'glu_relu2' }, 12)), GGUF, 'squared ReLU'],
        [edgeModel({ ...BASE, stop_ids: [9, 8, 7, 6] }, 6), GGUF, 'more than three stop ids'],
        [merging, GGUF, 'merges what is a token already'],
        [zero, CONTAINERS, 'scale is 0'],
        [lopsided, CONTAINERS, 'only one of the two sub-norms'],
        [special('\xff'), ['safetensors'], 'not UTF-8'],
        [special('\0'), ['safetensors'], 'not UTF-8'],
        [edgeModel({ ...BASE, bos_id: 65 }, 24), ['safetensors'], 'no special one'],
        [edgeModel({ ...BASE, template: 'another' }, 25), CONTAINERS, 'chat template is not known'],
    ];
    for (const [model, containers, words] of cases) {
        const packed = write({ ...model, card: {} });
        for (const to of containers) {
            const expected = new RegExp(`^trit-native: UNSUPPORTED: .*${words}`);
            assert.throws(
                () => convert(packed, to),
                ({ stderr }) => expected.test(stderr),
                words,
            );
        }
    }
});

test('whether a model stops at its <|eot_id|>', () => {
    const stopping = (ids) => ({
        ...edgeModel({ ...BASE, stop_ids: ids }, 26),
        tokenizer: byteTables(BASE.n_vocab, (id) => (id === 257 ? '<|eot_id|>' : `<${id}>`)),
        card: {},
    });
    for (const ids of [[256], [256, 257], [257, 256], [1, 2, 257], [257, 256, 257]])
        for (const to of CONTAINERS) {
            const packed = write(stopping(ids));
            assertSameFile(pack(convert(packed, to), 'f16'), pack(packed, 'f16'), `${ids} ${to}`);
        }
    assert.throws(() => convert(write(stopping([])), 'i2_s'), /UNSUPPORTED: .*does not stop/);
});

for (const [name, json] of [
    ['Llama 2', llama2Json()],
    ['Llama 3', llama3Json()],
    ['Falcon', falconJson(32768, 2048)],
])
    test(`the tokenizer of ${name}`, () => {
        const ids = [...Object.values(json.model.vocab), ...json.added_tokens.map(({ id }) => id)];
        const shape = { dim: 16, ffn: 12, vocab: ids.reduce((a, b) => Math.max(a, b)) + 1 };
        const path = newPath();
        writeFolder(path, {
            config: configOf(shape),
            tokenizer: json,
            tokenizerConfig: { chat_template: "{{ 'of its own' }}" },
            bytes: writeSafetensors(masters(shape, 'F16', 1)),
        });
        const packed = pack(path, 'f16');
        assertSameFile(pack(convert(packed, 'safetensors'), 'f16'), packed);
        assert.throws(() => convert(packed, 'i2_s'), /UNSUPPORTED: /);
    });
