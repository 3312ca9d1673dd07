// models/catalog.json: known models as data. What it says of itself must be so: its form, and that its
// presets and template ids are those of this engine, its memory what their shapes need (tests/web/api.test.mjs
// compares one with the engine's).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { layerShapes } from '../../models/reference/packed.mjs';
import { native } from './helpers.mjs';
import { REPLICAS } from './replicas.mjs';

const root = new URL('../../', import.meta.url);
const { version, models } = JSON.parse(readFileSync(new URL('models/catalog.json', root), 'utf8'));

const KEYS = [
    ...['id', 'name', 'source', 'container', 'files'],
    ...['preset', 'licence', 'template', 'memory', 'note'],
];
const CONTAINERS = ['safetensors packed', 'safetensors masters', 'GGUF I2_S'];
const isText = (value) => typeof value === 'string' && value.trim() === value && value !== '';
const isCount = (value) => Number.isSafeInteger(value) && value > 0;

test('every model has the keys of the form, and no others', () => {
    assert.equal(version, 1);
    assert.equal(new Set(models.map(({ id }) => id)).size, models.length, 'ids are unique');
    for (const model of models) {
        const { id, name, source, container, files, licence, template, preset, note } = model;
        const keys = KEYS.filter((key) => key !== 'note' || note !== undefined);
        assert.deepEqual(Object.keys(model).sort(), keys.sort(), id);
        assert.match(id, /^[a-z0-9.-]+$/);
        assert.ok(isText(name) && (note === undefined || isText(note)), id);
        assert.deepEqual(Object.keys(source), ['hub', 'repository'], id);
        assert.match(source.repository, /^[\w-]+\/[\w.-]+$/, id);
        assert.ok(CONTAINERS.includes(container), id);
        for (const value of [licence, template, preset])
            assert.ok(value === null || isText(value), `${id}: unknown is null`);
        assert.ok(Array.isArray(files), `${id}: an empty list says that they are not known`);
        for (const { name: file, bytes, sha256, ...others } of files) {
            assert.deepEqual(others, {}, id);
            assert.match(file, /^[\w.-]+$/, id);
            assert.ok(bytes === null || isCount(bytes), `${id} ${file}`);
            assert.ok(sha256 === null || /^[0-9a-f]{64}$/.test(sha256), `${id} ${file}`);
        }
    }
});

test('every published model has a replica, and every replica but one of a converted file is in the catalogue', () => {
    const repositories = new Set(models.map(({ source }) => source.repository));
    const replicas = new Set(REPLICAS.map(({ name }) => name));
    for (const name of replicas)
        if (!name.endsWith('-GGUF')) assert.ok(repositories.has(name), name);
    for (const name of repositories) assert.ok(replicas.has(name), name);
});

test('template ids are those of the engine', () => {
    const sources = readdirSync(new URL('core', root)).filter((name) => name.endsWith('.h'));
    const text = sources.map((name) => readFileSync(new URL(`core/${name}`, root), 'utf8')).join();
    const ids = [...text.matchAll(/#define TRITX_TEMPLATE_\w+ "([^"]+)"/g)].map(([, id]) => id);
    assert.ok(ids.includes('bitnet-2b4t'));
    for (const { id, template } of models)
        assert.ok(template === null || ids.includes(template), `${id}: ${template}`);
});

/** Weights as the engine lays them out, with an int8 head; a cache of half precision. */
function memoryOf(shape) {
    const up = (n) => Math.ceil(n / 64) * 64;
    const sum = (list) => list.reduce((a, b) => a + b, 0);
    const { n_layer: layers, dim, ffn_dim: ffn, n_vocab: vocab } = shape;
    const matrices = Object.values(layerShapes(shape)).map(([r, c]) => (up(r) * up(c)) / 4);
    const subNorms = shape.sub_norms ? shape.n_head * shape.head_dim + ffn : 0;
    const rows = vocab * (dim + 8) * (shape.tied_head ? 1 : 2);
    return {
        modelBytes: layers * (sum(matrices) + 4 * (2 * dim + subNorms)) + 4 * dim + rows,
        kvBytesPerToken: 2 * 2 * layers * shape.n_head_kv * shape.head_dim,
    };
}

test('presets are known, and memory is what their shapes need', () => {
    for (const { id, preset, memory } of models) {
        if (preset === null) assert.equal(memory, null, id);
        else assert.deepEqual(memory, memoryOf(JSON.parse(native('shape', preset))), id);
    }
    assert.throws(() => native('shape', '4B'), /PARAM: /);
});
