// Models by the names of a hub and of the catalogue, from a hub that is played here.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { before } from 'node:test';
import { packedTensors, QUANTIZATION } from '../../models/reference/hf-packed.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { writeSafetensors } from '../../models/reference/write.mjs';
import { openUrl } from '../../web/fetching.js';
import { findFiles, parseNamed } from '../../web/hub.js';
import { Trit, TritError } from '../../web/node.js';
import { placeOf } from '../../web/place.js';
import { tinyTalesFolder } from '../golden/generated.mjs';
import { cli, modelPath, root, temporaryFolder } from './helpers.mjs';
import { COMMIT, serveHub } from './model-server.mjs';

const REPOSITORY = 'owner/some-model';
const INDEX = 'model.safetensors.index.json';
const packed = readFileSync(modelPath);
const options = { threads: 1, flavour: 'simd128', network: { delayMs: 1, firstTries: 2 } };
const coded = (code) => (error) => error instanceof TritError && error.code === code;

async function answer(loading) {
    const model = await loading;
    const { ids } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 4 })
        .result;
    model.close();
    return ids;
}

let expected;
before(async () => (expected = await answer(Trit.load(modelPath, options))));

/** tiny-tales as Hugging Face packs it, in so many shards. */
function shards(count = 2) {
    const model = readPacked(readFileSync(`${root}models/tiny-tales/tiny-tales-f16.trit`));
    const { config, tokenizer } = tinyTalesFolder(model.config);
    const tensors = packedTensors(model, 'multiply', { scale: 'BF16', floats: 'F16' });
    const name = (at) =>
        count === 1
            ? 'model.safetensors'
            : `model-0000${(at % count) + 1}-of-0000${count}.safetensors`;
    const files = {};
    for (let i = 0; i < count; i++) {
        const own = tensors.filter((_, at) => at % count === i);
        files[name(i)] = writeSafetensors(own, { format: 'pt' });
    }
    const weight_map = Object.fromEntries(tensors.map((tensor, at) => [tensor.name, name(at)]));
    const json = (value) => new TextEncoder().encode(JSON.stringify(value));
    return {
        ...files,
        [INDEX]: json({ metadata: { total_size: 1 }, weight_map }),
        'config.json': json({ ...config, quantization_config: QUANTIZATION.multiply }),
        'tokenizer.json': json(tokenizer),
        'README.md': json('something else'),
    };
}

test('a repository is asked what it has, and its packed file of that commit loaded once', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const hub = await serveHub(t, REPOSITORY, { 'README.md': packed, 'model.trit': packed });
    const load = () => Trit.load(`hf:${REPOSITORY}`, { ...options, hub: hub.origin });
    assert.deepEqual(await answer(load()), expected);
    assert.deepEqual(hub.paths, [
        `/api/models/${REPOSITORY}/revision/main`,
        `/${REPOSITORY}/resolve/${COMMIT}/model.trit`,
    ]);
    hub.close();
    assert.deepEqual(await answer(load()), expected);
    assert.equal(hub.paths.length, 2, 'what is stored needs no hub');
    const [{ about }] = await Trit.models();
    assert.deepEqual(about.source, [`${hub.origin}/${REPOSITORY}/tree/main`]);
});

test('a file that is named is loaded without asking what else there is', async (t) => {
    const hub = await serveHub(t, REPOSITORY, { 'deep/er/a b.trit': packed });
    hub.files[`/${REPOSITORY}/resolve/v1%2F0/deep/er/a%20b.trit`] = packed;
    const name = `hf:${REPOSITORY}@v1%2F0/deep/er/a b.trit`;
    const more = { store: false, hub: `${hub.origin}/` };
    assert.deepEqual(await answer(Trit.load(name, { ...options, ...more })), expected);
    assert.equal(hub.paths.length, 1);
});

test('shards of safetensors are loaded with what stands beside them', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const hub = await serveHub(t, REPOSITORY, shards());
    const more = { ...options, hub: hub.origin, head: 'int8' };
    assert.deepEqual(await answer(Trit.load(`hf:${REPOSITORY}`, more)), expected);
    assert.ok(!hub.paths.some((path) => path.endsWith('README.md')));
    const { length } = hub.paths;
    assert.deepEqual(await answer(Trit.load(`hf:${REPOSITORY}`, more)), expected);
    assert.equal(hub.paths.length, length);
    const urls = Object.keys(shards()).map(
        (name) => `${hub.origin}/${REPOSITORY}/resolve/main/${name}`,
    );
    const listed = urls.filter((url) => !url.endsWith('.md'));
    assert.deepEqual(await answer(Trit.load(listed, { ...more, store: false })), expected);
});

test('N10 a folder goes on in a later load; the tensors must be those of the first', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const hub = await serveHub(t, REPOSITORY, shards(1));
    let cuts = true;
    let version = 1;
    hub.fault = function (request, response, begin) {
        response.setHeader('etag', `"${version} of ${request.url}"`);
        if (!cuts || !request.url.endsWith('model.safetensors')) return false;
        const bytes = this.files[request.url];
        const range = `bytes ${begin}-${bytes.length - 1}/${bytes.length}`;
        const headers = { 'content-length': bytes.length - begin, 'content-range': range };
        response.writeHead(206, headers);
        response.write(bytes.subarray(begin, bytes.length - 1000), () =>
            setTimeout(() => response.destroy(), 100),
        );
        return true;
    };
    const load = (network) => {
        const store = { recordBytes: 1 << 18 };
        const more = { hub: hub.origin, head: 'int8', store, network };
        return Trit.load(`hf:${REPOSITORY}`, { ...options, ...more });
    };
    await assert.rejects(load({ tries: 1 }), coded('NETWORK'));
    cuts = false;
    version = 2;
    await assert.rejects(load(), coded('SOURCE_CHANGED'));
    version = 1;
    hub.requests.length = 0;
    assert.deepEqual(await answer(load()), expected);
    const begins = hub.requests.map(([begin]) => begin);
    assert.ok(Math.max(...begins) > 1 << 18, `${begins}`);
});

/** What is chosen of a repository with these files, by their names. */
async function chosen(t, names, file = '') {
    const files = Object.fromEntries(names.map((name) => [name, packed]));
    const hub = await serveHub(t, REPOSITORY, files);
    const found = await findFiles(parseNamed(`hf:${REPOSITORY}${file}`, hub.origin), openUrl);
    const base = `${hub.origin}/${REPOSITORY}/resolve/${COMMIT}/`;
    const strip = (value) =>
        typeof value === 'string'
            ? value.replace(base, '')
            : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, strip(each)]));
    return strip(found);
}

test('of a repository the packed file is taken, then GGUF, I2_S first, then safetensors', async (t) => {
    const side = ['config.json', 'tokenizer.json'];
    const tensors = [...side, 'model.safetensors'];
    const parts = ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'];
    const cases = [
        [[...tensors, 'a.gguf', 'a.trit'], 'a.trit'],
        [[...tensors, 'a.gguf', 'deep/b.gguf'], 'a.gguf'],
        [['a-tl1.gguf', 'ggml-model-i2_s.gguf', 'a-f16.gguf'], 'ggml-model-i2_s.gguf'],
        [parts, { parts: Object.fromEntries(parts.map((name) => [name, name])) }],
    ];
    for (const [names, choice] of cases) assert.deepEqual(await chosen(t, names), choice);
    const folder = await chosen(t, tensors);
    assert.deepEqual(folder, {
        tensors: 'model.safetensors',
        config: 'config.json',
        tokenizer: 'tokenizer.json',
    });
    const both = [...tensors, INDEX, 'x-1.safetensors'];
    assert.equal((await chosen(t, both)).index, undefined);
    assert.equal((await chosen(t, both, `/${INDEX}`)).index, INDEX);
    assert.equal((await chosen(t, both, '/x-1.safetensors')).tensors, 'x-1.safetensors');
    const deep = both.map((name) => `deep/${name}`);
    const inDeep = await chosen(t, [...deep, 'a.trit'], '/deep/model.safetensors');
    assert.deepEqual(inDeep.config, 'deep/config.json');
    assert.deepEqual(Object.keys((await chosen(t, parts, `/${parts[1]}`)).parts), parts);
});

test('what cannot be chosen is told with the choices', async (t) => {
    const refused = async (names, code, pattern, file) =>
        assert.rejects(chosen(t, names, file), (error) => {
            assert.match(error.message, pattern);
            return coded(code)(error);
        });
    await refused(['a.trit', 'b.trit'], 'PARAM', /a\.trit, b\.trit/);
    await refused(['a.gguf', 'b.gguf'], 'PARAM', /a\.gguf, b\.gguf/);
    await refused(['a-i2_s.gguf', 'b-I2_S.gguf'], 'PARAM', /a-i2_s\.gguf, b-I2_S\.gguf/);
    await refused(['README.md'], 'NOT_A_MODEL', /holds no model/);
    await refused(['m-00001-of-00002.gguf'], 'FILE', /m-00002-of-00002\.gguf is missing/);
    await refused(['a.trit'], 'FILE', /has no b\.safetensors: it has a\.trit/, '/b.safetensors');
    for (const name of ['hf:x', 'hf:a/b@/c', 'hf:a/b/../c', 'hf:../b', 'hf:a/b@%', 'hf:a/b//c'])
        await assert.rejects(Trit.load(name, options), coded('PARAM'), name);
    for (const wrong of ['ftp://x', new URL('https://x.test')])
        await assert.rejects(Trit.load('hf:a/b', { ...options, hub: wrong }), coded('PARAM'));
    const hub = await serveHub(t, REPOSITORY, {});
    const other = Trit.load('hf:other/model', { ...options, hub: hub.origin, store: false });
    await assert.rejects(other, ({ code, cause }) => code === 'NETWORK' && cause.status === 404);
});

test('an id of the catalogue is its repository, or its file with length and hash', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const falcon = await serveHub(t, 'tiiuae/Falcon3-1B-Instruct-1.58bit', shards());
    const more = { ...options, head: 'int8', hub: falcon.origin };
    assert.deepEqual(await answer(Trit.load('catalog:falcon3-1b', more)), expected);
    const pinned = await placeOf('catalog:bitnet-b1.58-2b4t-gguf', {});
    assert.deepEqual(
        [pinned.addresses.length, pinned.bytes, pinned.sha256.length],
        [1, 1187801280, 64],
    );
    const hub = await serveHub(t, 'microsoft/bitnet-b1.58-2B-4T-gguf', {
        'ggml-model-i2_s.gguf': packed,
    });
    const short = Trit.load('catalog:bitnet-b1.58-2b4t-gguf', { ...options, hub: hub.origin });
    await assert.rejects(short, coded('SIZE'));
    assert.equal((await Trit.models()).length, 1);
    await assert.rejects(Trit.load('catalog:none', options), coded('PARAM'));
});

test('the command line takes the same names', async (t) => {
    const folder = temporaryFolder(t);
    const hub = await serveHub(t, REPOSITORY, shards());
    const from = [`hf:${REPOSITORY}`, '--hub', hub.origin, '--head', 'int8'];
    const out = `${folder}/model.trit`;
    const { code, stderr } = await cli('pack', ...from, '-o', out);
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(await answer(Trit.load(out, options)), expected);
});

test('N29 what a hub says that is no list of files is refused', async (t) => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000);
    const listings = {
        'a page': '<!doctype html><title>Sign in</title>',
        'no JSON': '{"siblings": [',
        'no object': '7',
        'no list': '{"siblings": {"rfilename": "a.trit"}}',
        'no names': '{"siblings": [{"rfilename": -1}, null]}',
        nesting: `{"siblings": ${deep}}`,
        'no UTF-8': Uint8Array.of(0x7b, 0xff, 0x7d),
        'far too long': new Uint8Array(9 << 20).fill(0x20),
    };
    for (const [what, listing] of Object.entries(listings)) {
        const hub = await serveHub(t, REPOSITORY, {}, listing);
        if (what === 'a page') hub.headers['content-type'] = 'text/html';
        const named = parseNamed(`hf:${REPOSITORY}`, hub.origin);
        await assert.rejects(findFiles(named, openUrl), coded('MANIFEST'), what);
    }
    // each name once, whatever it is: it is only ever a part of an address of the hub
    const siblings = ['a.trit', 'a.trit', '../../b', '//x/y', 'a\n.gguf'];
    const listing = JSON.stringify({ siblings: siblings.map((rfilename) => ({ rfilename })) });
    const hub = await serveHub(t, REPOSITORY, { 'a.trit': packed }, listing);
    const found = await findFiles(parseNamed(`hf:${REPOSITORY}`, hub.origin), openUrl);
    assert.equal(found, `${hub.origin}/${REPOSITORY}/resolve/main/a.trit`);
});

test('N29 an index, a configuration or a tokenizer that is none is refused, and nothing stored', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const files = shards();
    const text = (value) => new TextEncoder().encode(value);
    const index = JSON.parse(new TextDecoder().decode(files[INDEX]));
    const [tensor] = Object.keys(index.weight_map);
    const withMap = (map) => text(JSON.stringify({ ...index, weight_map: map }));
    const cases = [
        [INDEX, text('<html>'), /BAD_JSON/],
        [INDEX, text('{}'), /BAD_INDEX/],
        [INDEX, text(`{"weight_map": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`), /BAD_JSON/],
        [INDEX, new Uint8Array(33 << 20).fill(0x20), /BAD_JSON/],
        [INDEX, text('{"weight_map": {"a": "b", "a": "c"}}'), /BAD_JSON/],
        [INDEX, withMap({ ...index.weight_map, [tensor]: -1 }), /BAD_INDEX/],
        [INDEX, withMap({ ...index.weight_map, [tensor]: 'x.safetensors' }), /FILE/],
        [INDEX, undefined, /NOT_A_MODEL/],
        ['config.json', text('{"vocab_size": 1e99}'), /BAD_CONFIG|UNSUPPORTED/],
        ['tokenizer.json', text('[]'), /BAD_TOKENIZER|BAD_JSON/],
    ];
    for (const [name, bytes, code] of cases) {
        const { [name]: _, ...others } = files;
        const hub = await serveHub(t, REPOSITORY, bytes ? { ...others, [name]: bytes } : others);
        const loading = Trit.load(`hf:${REPOSITORY}`, { ...options, hub: hub.origin });
        await assert.rejects(loading, (error) => code.test(error.code) || assert.fail(error));
    }
    assert.deepEqual(await Trit.models(), []);
});
