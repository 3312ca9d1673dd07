// Folders as people download them: packed by Hugging Face, in one file and in shards.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { copyFile, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { packedTensors, QUANTIZATION } from '../../models/reference/hf-packed.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { writeSafetensors } from '../../models/reference/write.mjs';
import { Trit, TritError } from '../../web/node.js';
import { resolveFiles } from '../../web/source.js';
import { tinyTalesFolder, writeFolder } from '../golden/generated.mjs';
import { cli, modelPath, root, temporaryFolder } from './helpers.mjs';

const f16Path = join(root, 'models/tiny-tales/tiny-tales-f16.trit');
const indexName = 'model.safetensors.index.json';
const shardName = (i) => `model-0000${i + 1}-of-00003.safetensors`;
const prompt = 'Once upon a time';
const greedy = { maxTokens: 16, temperature: 0 };

/** @type {any} */
let model;
/** @type {number[]} */
let expected;
before(async () => {
    model = readPacked(await readFile(f16Path));
    const packed = await Trit.load(modelPath, { threads: 1 });
    expected = (await packed.generate(prompt, greedy).result).ids;
    packed.close();
});

/** tiny-tales as Hugging Face packs it; in shards, the tensors dealt out by turns. */
function writeModel(folder, { shards = 0, convention = 'multiply' } = {}) {
    const side = tinyTalesFolder(model.config);
    const config = { ...side.config, quantization_config: QUANTIZATION[convention] };
    const tensors = packedTensors(model, convention, { scale: 'BF16', floats: 'F16' });
    const files = {};
    if (shards === 0) files['model.safetensors'] = writeSafetensors(tensors, { format: 'pt' });
    for (let i = 0; i < shards; i++)
        files[shardName(i)] = writeSafetensors(
            tensors.filter((_, at) => at % shards === i),
            { format: 'pt' },
        );
    const map = tensors.map(({ name }, at) => [name, shardName(at % shards)]);
    const index = { metadata: { total_size: 1 }, weight_map: Object.fromEntries(map) };
    if (shards) files[indexName] = JSON.stringify(index);
    writeFolder(folder, { ...side, config });
    return Promise.all(
        Object.entries(files).map(([name, bytes]) => writeFile(join(folder, name), bytes)),
    );
}

const idsOf = async (loading) => {
    const loaded = await loading;
    const { ids } = await loaded.generate(prompt, greedy).result;
    loaded.close();
    return ids;
};

test('a packed folder runs and packs, whichever way its scales go', async (t) => {
    const folder = temporaryFolder(t);
    const out = join(folder, 'out.trit');
    const card = join(root, 'models/tiny-tales/card.json');
    for (const convention of ['multiply', 'divide']) {
        const path = join(folder, convention);
        await writeModel(path, { convention });
        const args = ['run', '-m', path, '-p', prompt, '-n', '16', '--temp', '0', '--json'];
        const { stdout, stderr } = await cli(...args, '-t', '1');
        assert.equal(stderr, '');
        if (convention === 'multiply') assert.deepEqual(JSON.parse(stdout).ids, expected);
        const pack = ['pack', path, '-o', out, '--head', 'f16', '--card', card];
        assert.equal((await cli(...pack)).code, 0);
        const same = (await readFile(out)).equals(await readFile(f16Path));
        assert.equal(same, convention === 'multiply', 'one over a bf16 is seldom a bf16');
    }
});

test('shards load from a folder, a list of files and a list of addresses', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'model');
    await writeModel(path, { shards: 3 });
    const names = await readdir(path);
    const loaded = [];
    const onProgress = (progress) => loaded.push(progress);
    assert.deepEqual(await idsOf(Trit.load(path, { threads: 1, onProgress })), expected);
    const sizes = await Promise.all(
        [0, 1, 2].map(async (i) => (await readFile(join(path, shardName(i)))).length),
    );
    const sum = sizes.reduce((a, b) => a + b);
    const { rate, eta, ...last } = loaded.at(-1);
    assert.deepEqual([last, eta], [{ phase: 'load', loaded: sum, total: undefined }, undefined]);
    assert.ok(rate === undefined || rate > 0);

    const files = await Promise.all(
        names.map(async (name) => new File([await readFile(join(path, name))], name)),
    );
    assert.deepEqual(await idsOf(Trit.load(files, { threads: 1 })), expected);
    const [one] = files.filter(({ name }) => name === shardName(0));
    await assert.rejects(Trit.load([one], { threads: 1 }), { code: 'NOT_A_MODEL' });
    await assert.rejects(Trit.load([one, one], { threads: 1 }), { code: 'PARAM' });

    const server = createServer(async (request, response) =>
        response.end(await readFile(join(path, request.url.slice(1).replace(/\?.*/, '')))),
    ).listen(0);
    const urls = names.map((name) => `http://localhost:${server.address().port}/${name}?v=1`);
    assert.deepEqual(await idsOf(Trit.load(urls, { threads: 1 })), expected);
    server.close();

    const out = join(folder, 'out.trit');
    const card = join(root, 'models/tiny-tales/card.json');
    assert.equal((await cli('pack', path, '-o', out, '--card', card)).code, 0);
    assert.ok((await readFile(out)).equals(await readFile(modelPath)));
});

test('a list of files is known from the pieces of one', () => {
    const pieces = [Uint8Array.of(1), Uint8Array.of(2)];
    assert.equal(resolveFiles(pieces), pieces);
    assert.equal(resolveFiles(['/models/a.trit']), '/models/a.trit');
    const named = (name) => new URL(`https://host/a/${name}`);
    const list = ['config.json', 'tokenizer.json', 'model.safetensors', indexName].map(named);
    const { tensors, config, tokenizer, index } = resolveFiles(list);
    assert.deepEqual([config, tokenizer, tensors], list.slice(0, 3));
    assert.equal(index, undefined, 'a whole file needs no index');
    assert.throws(() => resolveFiles(list.slice(1)), { code: 'NOT_A_MODEL' });
    assert.throws(() => resolveFiles(list.slice(0, 2)), { code: 'NOT_A_MODEL' });
});

test('shards that do not fit their index are refused by name', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'model');
    await writeModel(path, { shards: 3 });
    const index = JSON.parse(await readFile(join(path, indexName), 'utf8'));
    const norm = 'model.norm.weight';
    const other = { [shardName(0)]: shardName(1), [shardName(1)]: shardName(2) };
    const edit = (change) => async () => {
        const edited = structuredClone(index);
        change(edited.weight_map, edited);
        await writeFile(join(path, indexName), JSON.stringify(edited));
    };
    const text = JSON.stringify(index);
    const cases = [
        [edit((map) => delete map[norm]), /^MISSING_TENSOR: .*norm/],
        [edit((map) => (map.more = shardName(0))), /^UNKNOWN_TENSOR: .*more/],
        [edit((map) => (map[norm] = other[map[norm]])), /^BAD_INDEX: .*by the index/],
        [edit((map) => (map[norm] = 'model-4.safetensors')), /^FILE: model-4\.safetensors/],
        [edit((map) => (map[norm] = '../model.safetensors')), /^BAD_INDEX: .*plain/],
        [edit((map) => (map[norm] = 7)), /^BAD_INDEX: .*plain/],
        [edit((_, whole) => (whole.weight_map = {})), /^BAD_INDEX: /],
        [edit((_, whole) => delete whole.weight_map), /^BAD_INDEX: /],
        [
            () => writeFile(join(path, indexName), text.slice(0, -1)),
            /^BAD_JSON: model\.safetensors\.index\.json: /,
        ],
        [
            () => writeFile(join(path, indexName), text.replace(`{"`, `{"weight_map":{},"`)),
            /^BAD_JSON: model\.safetensors\.index\.json: /,
        ],
        [
            async () => {
                await writeFile(join(path, indexName), text);
                await copyFile(join(path, shardName(0)), join(path, shardName(2)));
            },
            /^BAD_INDEX: model-00003.*by the index it is in model-00001/,
        ],
        [
            async () => {
                const bytes = await readFile(join(path, shardName(1)));
                await writeFile(join(path, shardName(1)), bytes.subarray(0, -1));
            },
            /^TRUNCATED: model-00002-of-00003\.safetensors: /,
        ],
        [() => rm(join(path, shardName(0))), /^FILE: model-00001-of-00003\.safetensors is missing/],
    ];
    for (const [damage, message] of cases) {
        await damage();
        const error = await Trit.load(path, { threads: 1 }).then(String, (error) => error);
        assert.ok(error instanceof TritError, String(error));
        assert.match(`${error.code}: ${error.message}`, message);
    }
    await mkdir(join(path, 'model.safetensors'));
    await assert.rejects(Trit.load(path, { threads: 1 }), { code: 'FILE' });
});

test('a side file that never ends is not read to its end', async (t) => {
    const path = join(temporaryFolder(t), 'model');
    await writeModel(path);
    await symlink('/dev/zero', join(path, 'generation_config.json'));
    const { stderr, code } = await cli('info', '-m', path, '-t', '1');
    assert.equal(stderr, 'trit: BAD_JSON: generation_config.json: it is larger than 32 MiB\n');
    assert.equal(code, 1);
});

test('a long side file takes time by its length, taken or refused at its end', async (t) => {
    const folder = join(temporaryFolder(t), 'model');
    await writeModel(folder);
    const file = join(folder, 'tokenizer.json');
    const text = await readFile(file, 'utf8');
    /** Milliseconds of processor time, that of the engine's thread too. */
    const cost = async (more, end, code) => {
        await writeFile(file, `${text.trim().slice(0, -1)},"more":${more}${end}`);
        const begin = process.cpuUsage();
        const loaded = await Trit.load(folder, { threads: 1 }).catch((error) => error);
        loaded.close?.();
        const { user, system } = process.cpuUsage(begin);
        assert.equal(loaded.code, code);
        return (user + system) / 1000;
    };
    const megabytes = 4;
    for (const [what, value] of Object.entries({
        words: '{"id":1,"content":"word"}',
        digits: '1',
    })) {
        const n = Math.floor((megabytes * 1e6) / (value.length + 1));
        const more = `[${Array(n).fill(value)}]`;
        for (const [end, code] of [['}'], [']', 'BAD_JSON']]) {
            const spent = (await cost(more, end, code)) - (await cost('0', end, code));
            const each = Math.round(spent / megabytes);
            t.diagnostic(`${what}, ${code ?? 'taken'}: ${each} ms a megabyte`);
            assert.ok(each < 400, `${each}`);
        }
    }
});

test('chat_template.jinja beside the other files is the template', async (t) => {
    const folder = temporaryFolder(t);
    await writeModel(join(folder, 'model'));
    await writeFile(join(folder, 'model/chat_template.jinja'), '{{ messages[0].content }}');
    const loaded = await Trit.load(join(folder, 'model'), { threads: 1 });
    t.after(() => loaded.close());
    assert.equal(loaded.info.template, 'jinja');
    const messages = [{ role: 'user', content: prompt }];
    const { promptIds } = await loaded.generate({ messages }, { maxTokens: 1 }).result;
    assert.deepEqual(promptIds, await loaded.tokenize(prompt));
});
