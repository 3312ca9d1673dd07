// GGUF files become the models that they were made from: what else they hold beside ternary matrices, for
// which containers.test.mjs is there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { readPacked } from '../../models/reference/packed.mjs';
import { f16 } from '../../models/reference/safetensors.mjs';
import { int8Rows } from '../../models/reference/ternarise.mjs';
import { f16Bits } from '../../models/reference/write.mjs';
import { value } from '../bench/peers/gguf.mjs';
import { random, tinyTalesFolder } from './generated.mjs';
import { modelKeys, officialKeys, writeModel } from './gguf-model.mjs';
import { native, scratch } from './helpers.mjs';
import { randomModel } from './random-model.mjs';

const folder = fileURLToPath(new URL('../../models/tiny-tales/', import.meta.url));
const talesFile = join(folder, 'tiny-tales-f16.trit');
const tales = readPacked(readFileSync(talesFile));

let files = 0;
function pack(model, options, ...args) {
    const file = join(scratch, `${files++}.gguf`);
    const kept = writeModel(file, model, options);
    native('pack', file, '-o', `${file}.trit`, ...args);
    return { kept, bytes: readFileSync(`${file}.trit`) };
}

/** As assert.deepEqual, but quick. */
function assertSame(found, expected, what) {
    const at = found.findIndex((x, i) => x !== expected[i]);
    assert.equal(at, -1, `${what} [${at}]: ${found[at]}, not ${expected[at]}`);
    assert.equal(found.length, expected.length, what);
}

function assertSameLayer(found, expected) {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
    for (const [name, weight] of Object.entries(expected)) {
        assertSame(found[name].codes ?? found[name], weight.codes ?? weight, name);
        if (weight.codes) assert.equal(found[name].scale, weight.scale, `${name}.scale`);
    }
}

const SHAPE = { dim: 256, ffn_dim: 512, head_dim: 128, n_vocab: 259, tied_head: false };

for (const embed of ['F32', 'F16', 'BF16', 'Q8_0', 'Q6_K'])
    test(`embedding and head of ${embed}`, () => {
        const model = randomModel(SHAPE, 7);
        const options = { arch: 'bitnet', ternary: 'TQ2_0', embed };
        for (const head of ['f16', 'int8']) {
            const { kept, bytes } = pack(model, { ...options, next: random(9) }, '--head', head);
            const found = readPacked(bytes);
            for (const slot of ['embed', 'head']) {
                const { rows, cols } = model[slot];
                const codes = int8Rows(kept[slot], rows, cols);
                assert.ok(kept[slot].some((x) => x > 0) && kept[slot].some((x) => x < 0));
                if (head === 'int8')
                    for (const part of ['codes', 'scale', 'sum'])
                        assertSame(found[slot][part], codes[part], `${slot} ${part}`);
                else
                    assertSame(
                        found[slot].values,
                        kept[slot].map((x) => f16(f16Bits(x))),
                        slot,
                    );
            }
        }
    });

test('llama: heads in the order for rotating neighbours, no sub-norms, a head of its own', () => {
    const model = randomModel(SHAPE, 11);
    for (const site of ['o', 'down']) model.config.site[site].norm = 'none';
    for (const name of ['attn_sub_norm', 'ffn_sub_norm']) delete model.layers[0][name];
    const { bytes } = pack(
        model,
        { arch: 'llama', ternary: 'I2_S', embed: 'F16' },
        '--head',
        'f16',
    );
    const found = readPacked(bytes);
    assert.deepEqual(found.config, model.config);
    assertSameLayer(found.layers[0], model.layers[0]);
});

/* ---- what the official file of 2B4T leaves out or has wrong, one by one ---- */

const OFFICIAL = ['bitnet-b1.58', 'bitnet-25'];

/** tiny-tales with the official file's keys but for those changed, packed again. */
function official(arch, changed = {}, ...args) {
    const keys = { ...officialKeys(tales, arch), ...changed };
    return pack(tales, { arch, ternary: 'I2_S', embed: 'F16', keys }, '--head', 'f16', ...args)
        .bytes;
}
const officialConfig = (arch, changed) => readPacked(official(arch, changed)).config;

for (const arch of OFFICIAL) {
    test(`${arch}: the official keys make the model that they leave half unsaid`, () => {
        assert.equal(Object.keys(officialKeys(tales, arch)).length, 24);
        const bytes = official(arch, {}, '--card', join(folder, 'card.json'));
        assert.ok(bytes.equals(readFileSync(talesFile)));
    });

    test(`${arch}: squared ReLU, whatever hidden_activation says`, () => {
        for (const word of ['silu', 'relu2', 'gelu'])
            assert.equal(
                officialConfig(arch, { [`${arch}.hidden_activation`]: value.string(word) }).ffn,
                'glu_relu2',
            );
    });

    test(`${arch}: its own chat template in place of a foreign one or none`, () => {
        const own = tinyTalesFolder(tales.config).tokenizerConfig.chat_template;
        for (const [text, template] of [
            ["{{ 'Human: ' }}BITNETAssistant: ", 'bitnet-2b4t'],
            [undefined, 'bitnet-2b4t'],
            [own, 'bitnet-2b4t'],
            ['', ''],
        ]) {
            const changed = {
                'tokenizer.chat_template': text === undefined ? text : value.string(text),
            };
            assert.equal(officialConfig(arch, changed).template, template, text);
        }
    });

    test(`${arch}: the file type, 40 or any other, says nothing`, () => {
        for (const type of [undefined, value.u32(137), value.string('I2_S')])
            assert.deepEqual(officialConfig(arch, { 'general.file_type': type }), tales.config);
    });
}

test('no pre-tokenizer: cut as in Llama 3 where the architecture is 2B4T, else refused', () => {
    for (const arch of ['bitnet', 'llama'])
        assert.throws(
            () => official(arch),
            ({ stderr }) => /BAD_TOKENIZER: .*tokenizer.ggml.pre is ""/.test(stderr),
            arch,
        );
});

test('the foreign chat template is the own one of any other model', () => {
    const changed = { 'tokenizer.ggml.pre': value.string('llama-bpe') };
    assert.equal(officialConfig('bitnet', changed).template, 'jinja');
});

test('whether the first token is added, where there is one', () => {
    for (const [flag, added] of [
        [undefined, true],
        [value.bool(true), true],
        [value.bool(false), false],
    ])
        assert.equal(
            officialConfig(OFFICIAL[0], { 'tokenizer.ggml.add_bos_token': flag }).add_bos,
            added,
        );
    const none = {
        'tokenizer.ggml.add_bos_token': undefined,
        'tokenizer.ggml.bos_token_id': undefined,
    };
    assert.equal(officialConfig(OFFICIAL[0], none).add_bos, false);
});

test('token types: control tokens are special; the end of a turn, of which no key tells, is found by its text', () => {
    const { tokenizer, config } = readPacked(official(OFFICIAL[0]));
    assert.deepEqual(tokenizer, tales.tokenizer);
    const [eos, eot] = config.stop_ids;
    const text = (id) =>
        Buffer.from(
            tokenizer.bytes.subarray(tokenizer.ends[id - 1], tokenizer.ends[id]),
        ).toString();
    assert.deepEqual([text(eos), text(eot)], ['<|end_of_text|>', '<|eot_id|>']);
    assert.ok(tokenizer.special[eos] === 1 && tokenizer.special[eot] === 1);
});

// of April 2025, of 333 tensors
test('the first upload has a head of its own', () => {
    const model = randomModel(SHAPE, 13);
    const arch = 'bitnet-25';
    const options = { arch, ternary: 'I2_S', embed: 'F16', keys: officialKeys(model, arch) };
    const { kept, bytes } = pack(model, options, '--head', 'f16');
    const { config, head } = readPacked(bytes);
    assert.equal(config.tied_head, false);
    assertSame(head.values, kept.head, 'head');
});

test('arch bitnet: the activation that is named, else SiLU', () => {
    for (const [word, ffn] of [
        [undefined, 'glu_silu'],
        ['silu', 'glu_silu'],
        ['relu2', 'glu_relu2'],
    ]) {
        const keys = {
            ...modelKeys(tales, 'bitnet'),
            'bitnet.hidden_activation': word && value.string(word),
        };
        const options = { arch: 'bitnet', ternary: 'TQ2_0', embed: 'F16', keys };
        const { config } = readPacked(pack(tales, options, '--head', 'f16').bytes);
        assert.equal(config.ffn, ffn);
        assert.equal(config.template, '');
    }
});

test('what is not served is refused by name', () => {
    const arch = 'bitnet-b1.58';
    const { config } = tales;
    const scaling = (type, factor) => ({
        [`${arch}.rope.scaling.type`]: type && value.string(type),
        [`${arch}.rope.scaling.factor`]: factor,
    });
    const cases = [
        [{ 'split.count': value.u32(2) }, 'BAD_INDEX', 'split.no'],
        [scaling('none'), null],
        [scaling('linear'), null],
        [scaling('linear', value.f32(1)), null], // as llama.cpp's converter writes it
        [scaling('linear', value.f32(2)), 'UNSUPPORTED', 'rope.scaling'],
        [scaling(undefined, value.f32(2)), 'UNSUPPORTED', 'rope.scaling'],
        [scaling('linear', value.u32(1)), 'UNSUPPORTED', 'rope.scaling'],
        [scaling('yarn'), 'UNSUPPORTED', 'rope.scaling'],
        [{ [`${arch}.attention.value_length`]: value.u32(32) }, 'UNSUPPORTED', 'value_length'],
        [{ [`${arch}.rope.dimension_count`]: value.u32(32) }, 'UNSUPPORTED', 'dimension_count'],
        [{ [`${arch}.vocab_size`]: value.u32(config.n_vocab + 1) }, 'BAD_CONFIG', 'vocab_size'],
        [{ [`${arch}.vocab_size`]: undefined }, null],
        [{ 'tokenizer.ggml.scores': value.f32s([0]) }, 'BAD_TOKENIZER', 'scores'],
        [{ 'tokenizer.ggml.scores': undefined }, null],
        [{ 'tokenizer.ggml.token_type': value.i32s([1]) }, 'BAD_TOKENIZER', 'token_type'],
        [{ 'tokenizer.ggml.pre': value.string('qwen2') }, 'BAD_TOKENIZER', 'pre'],
        [{ 'tokenizer.ggml.model': value.string('t5') }, 'BAD_TOKENIZER', 'model'],
    ];
    for (const [changed, code, word] of cases) {
        const keys = { ...modelKeys(tales, arch), ...changed };
        const run = () => pack(tales, { arch, ternary: 'I2_S', embed: 'F16', keys });
        if (code)
            assert.throws(
                run,
                ({ stderr }) => stderr.includes(`${code}: `) && stderr.includes(word),
                word,
            );
        else run();
    }
});
