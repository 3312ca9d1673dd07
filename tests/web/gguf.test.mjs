// GGUF files through the command line and the API: the same answers as the packed file of the model.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { readPacked } from '../../models/reference/packed.mjs';
import { Trit, TritError } from '../../web/node.js';
import { value } from '../bench/peers/gguf.mjs';
import { modelKeys, writeModel } from '../golden/gguf-model.mjs';
import { cli, modelPath, root, temporaryFolder } from './helpers.mjs';

const folder = join(root, 'models/tiny-tales');
const arch = 'bitnet-b1.58';
const greedy = ['-t', '1', '-n', '24', '--temp', '0', '-p', 'Once upon a time', '--json'];
const coded = (code) => (error) => error instanceof TritError && error.code === code;

let tales;
before(async () => (tales = readPacked(await readFile(join(folder, 'tiny-tales-f16.trit')))));

async function write(t, options) {
    const file = join(await temporaryFolder(t), 'tales.gguf');
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
    const keys = { ...modelKeys(tales, arch), 'general.architecture': value.string('qwen3') };
    const { stdout, stderr, code } = await cli('run', '-m', await write(t, { keys }), ...greedy);
    assert.deepEqual([stdout, code], ['', 1]);
    assert.match(stderr, /^[^\n]*UNSUPPORTED[^\n]*"qwen3"[^\n]*\n$/);
});
