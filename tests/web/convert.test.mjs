import assert from 'node:assert/strict';
import { lstat, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cli, modelPath, root, temporaryFolder } from './helpers.mjs';

const card = join(root, 'models/tiny-tales/card.json');

async function fine(...args) {
    const { stdout, stderr, code } = await cli(...args);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    return stdout;
}

async function refused(code, sentence, ...args) {
    const result = await cli(...args);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, new RegExp(`^trit: ${sentence}[^\\n]*\\n$`));
    assert.equal(result.code, code);
}

test('convert writes files from which the same model is packed', async (t) => {
    const folder = temporaryFolder(t);
    for (const to of ['tq2_0', 'i2_s', 'safetensors']) {
        const [out, packed] = [join(folder, to), join(folder, `${to}.trit`)];
        const { bytes } = JSON.parse(
            await fine('convert', modelPath, '-o', out, '--to', to, '--json'),
        );
        const names = to === 'safetensors' ? await readdir(out) : [''];
        const sizes = await Promise.all(
            names.map(async (name) => (await readFile(join(out, name))).length),
        );
        assert.equal(
            bytes,
            sizes.reduce((a, b) => a + b),
        );
        await fine('pack', out, '-o', packed, '--card', card);
        assert.deepEqual(await readFile(packed), await readFile(modelPath), to);
    }
    const left = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
    assert.deepEqual(left, []);
});

test('convert leaves alone what is there, and nothing behind when it fails', async (t) => {
    const folder = temporaryFolder(t);
    const [full, empty, file] = ['full', 'empty', 'file'].map((name) => join(folder, name));
    await Promise.all([mkdir(full), mkdir(empty)]);
    await writeFile(file, 'old');
    await writeFile(join(full, 'x'), 'x');
    const safetensors = ['convert', modelPath, '--to', 'safetensors', '-o'];
    for (const out of [full, file]) await refused(1, `FILE: .*already`, ...safetensors, out);
    await refused(1, 'FILE: ', ...safetensors, join(folder, 'no/where'));
    await refused(1, 'FILE: ', 'convert', join(folder, 'none'), '--to', 'i2_s', '-o', file);
    await refused(2, 'USAGE: --to is', 'convert', modelPath, '--to', 'q4_0', '-o', file);
    await refused(2, 'USAGE: --to is missing', 'convert', modelPath, '-o', file);
    await refused(2, 'USAGE: give SOURCE', 'convert', '--to', 'i2_s', '-o', file);
    await refused(1, 'PARAM: head', ...safetensors, join(folder, 'new'), '--head', 'q8');
    assert.equal(await readFile(file, 'utf8'), 'old');
    assert.deepEqual((await readdir(folder)).sort(), ['empty', 'file', 'full']);
    await symlink(empty, join(folder, 'link'));
    await fine(...safetensors, `${join(folder, 'link')}/`);
    assert.equal((await readdir(empty)).length, 4);
    assert.ok((await lstat(join(folder, 'link'))).isSymbolicLink());
});
