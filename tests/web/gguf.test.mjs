// GGUF files through the command line and the API: the same answers as the packed file of the model.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import test, { before } from 'node:test';
import { readPacked } from '../../models/reference/packed.mjs';
import { Trit, TritError } from '../../web/node.js';
import { value } from '../bench/peers/gguf.mjs';
import { modelKeys, partName, writeModel } from '../golden/gguf-model.mjs';
import { cli, modelPath, root, temporaryFolder } from './helpers.mjs';

const folder = join(root, 'models/tiny-tales');
const arch = 'bitnet-b1.58';
const greedy = ['-t', '1', '-n', '24', '--temp', '0', '-p', 'Once upon a time', '--json'];
const coded = (code) => (error) => error instanceof TritError && error.code === code;

let tales;
before(async () => (tales = readPacked(await readFile(join(folder, 'tiny-tales-f16.trit')))));

async function write(t, options) {
    const file = join(temporaryFolder(t), 'tales.gguf');
    writeModel(file, tales, { arch, ternary: 'I2_S', embed: 'F16', ...options });
    return file;
}

test('run -m FILE.gguf gives what the packed file gives', async (t) => {
    const file = await write(t);
    const { stdout, stderr, code } = await cli('run', '-m', file, ...greedy);
    assert.deepEqual([stderr, code], ['', 0]);
    assert.equal(stdout, (await cli('run', '-m', modelPath, ...greedy)).stdout);
});

test('pack FILE.gguf makes the packed file, byte by byte', async (t) => {
    const file = await write(t, { ternary: 'TQ1_0' });
    const card = join(folder, 'card.json');
    const { code } = await cli('pack', file, '-o', `${file}.trit`, '--card', card);
    assert.equal(code, 0);
    assert.ok((await readFile(`${file}.trit`)).equals(await readFile(modelPath)));
});

test('Trit.load takes a GGUF file as path, blob and bytes, and knows its chat', async (t) => {
    const file = await write(t, { ternary: 'TQ2_0' });
    const answers = [];
    for (const source of [modelPath, file, await openAsBlob(file), await readFile(file)]) {
        const model = await Trit.load(source, { threads: 1 });
        const options = { maxTokens: 12, temperature: 0 };
        answers.push((await model.chat().send('Tell me a story.', options).result).ids);
        model.close();
    }
    for (const ids of answers) assert.deepEqual(ids, answers[0]);
    assert.equal(answers[0].length, 12);
});

test('a GGUF file that is cut, or of another kind, is refused by name', async (t) => {
    const cut = await write(t);
    await truncate(cut, 100000);
    await assert.rejects(Trit.load(cut, { threads: 1 }), coded('TRUNCATED'));
    const cases = [
        ['general.architecture', value.string('qwen3'), /UNSUPPORTED[^\n]*"qwen3"/],
        [`${arch}.rope.scaling.type`, value.string('yarn'), /UNSUPPORTED[^\n]*rope\.scaling/],
        // without a type they scale linearly
        [`${arch}.rope.scaling.factor`, value.f32(4), /UNSUPPORTED[^\n]*rope\.scaling/],
        [`${arch}.rope.scale_linear`, value.f32(2), /UNSUPPORTED[^\n]*rope\.scaling/],
    ];
    for (const [key, changed, words] of cases) {
        const keys = { ...modelKeys(tales, arch), [key]: changed };
        const file = await write(t, { keys });
        const { stdout, stderr, code } = await cli('run', '-m', file, ...greedy);
        assert.deepEqual([stdout, code], ['', 1]);
        assert.match(stderr, /^[^\n]+\n$/);
        assert.match(stderr, words);
    }
});

test('a GGUF file in parts: by its folder, by one of them, as a list', async (t) => {
    const path = join(temporaryFolder(t), 'tales.gguf');
    const ends = [0, 30, Infinity];
    writeModel(path, tales, { arch, ternary: 'TQ2_0', embed: 'F16', parts: ends });
    const paths = ends.map((_, i) => partName(path, i, ends.length));
    const expected = (await cli('run', '-m', modelPath, ...greedy)).stdout;
    for (const source of [dirname(path), paths[0], paths[2]])
        assert.equal((await cli('run', '-m', source, ...greedy)).stdout, expected);
    const files = await Promise.all(
        paths.map(async (name) => new File([await readFile(name)], basename(name))),
    );
    const model = await Trit.load(files.slice().reverse(), { threads: 1 });
    const options = { maxTokens: 24, temperature: 0 };
    const { text } = await model.generate('Once upon a time', options).result;
    assert.equal(text, JSON.parse(expected).text);
    model.close();
    for (const some of [[files[0]], files.slice(0, 2)])
        await assert.rejects(Trit.load(some, { threads: 1 }), ({ code }) =>
            ['FILE', 'MISSING_TENSOR'].includes(code),
        );
    const odd = join(dirname(path), 'a-00000-of-00000.gguf');
    await copyFile(paths[0], odd);
    await assert.rejects(Trit.load(odd, { threads: 1 }), coded('MISSING_TENSOR'));
    await rm(paths[1]);
    await assert.rejects(Trit.load(paths[0], { threads: 1 }), coded('FILE'));
});

test('a folder is the GGUF file in it, which one must be named among several', async (t) => {
    const file = await write(t);
    await writeFile(join(dirname(file), 'config.json'), '{}'); // without tensors it means nothing
    const { stdout } = await cli('run', '-m', dirname(file), ...greedy);
    assert.equal(stdout, (await cli('run', '-m', modelPath, ...greedy)).stdout);
    await copyFile(file, join(dirname(file), 'other.gguf'));
    const { stderr, code } = await cli('run', '-m', dirname(file), ...greedy);
    assert.match(stderr, /^trit: FILE: [^\n]* has several GGUF files: name one\n$/);
    assert.equal(code, 1);
});

test('the other layouts of I2_S: read when named, else doubted', async (t) => {
    const card = join(folder, 'card.json');
    const args = (file, ...more) => ['pack', file, '-o', `${file}.trit`, '--card', card, ...more];
    for (const i2s of ['arm', 'rows']) {
        const file = await write(t, { i2s });
        assert.deepEqual((await cli(...args(file, '--i2s', i2s))).stderr, '');
        assert.ok((await readFile(`${file}.trit`)).equals(await readFile(modelPath)));
        const misread = await cli('run', '-m', file, ...greedy);
        assert.equal(misread.code, 0);
        assert.match(misread.stderr, /^trit: warning: [^\n]*noise[^\n]*i2s x86, arm and rows\n$/);
        const model = await Trit.load(file, { threads: 1, i2s });
        assert.equal(model.info.warning, undefined);
        model.close();
    }
    const refused = await cli('run', '-m', await write(t), '--i2s', 'x64', ...greedy);
    assert.deepEqual([refused.stdout, refused.code], ['', 1]);
    assert.match(refused.stderr, /PARAM[^\n]*i2s[^\n]*\n$/);
});
