// Row R27 of the table of faults: what is missing, cut or full around the command line is one line and an exit code. More of
// it, pipes and signals among them, is in cli.test.mjs and cli-output.test.mjs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { Trit } from '../../web/node.js';
import { cli, modelPath, startCli, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const run = (model, ...args) => [
    'run',
    '-m',
    model,
    '-p',
    'Once',
    '-n',
    '3',
    '--temp',
    '0',
    ...args,
];

async function isOneLine(args, what) {
    const { code, stdout, stderr } = await cli(...args);
    assert.deepEqual([code, stdout], [1, ''], stderr);
    assert.match(stderr, what);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
}

test('R27 no file, a folder, a file of something else', async (t) => {
    const folder = temporaryFolder(t);
    await isOneLine(run(join(folder, 'none.trit')), /there is no such file or folder/);
    await isOneLine(run(folder), /holds no model/);
    const other = join(folder, 'other.trit');
    await writeFile(other, 'not a model, but long enough to have the length of a header');
    await isOneLine(run(other), /NOT_A_MODEL/);
});

test(
    'R27 a file that becomes shorter while it is read',
    { skip: process.platform === 'win32' },
    async (t) => {
        const pipe = join(temporaryFolder(t), 'model.trit');
        execFileSync('mkfifo', [pipe]);
        const writer = createWriteStream(pipe);
        writer.end((await readFile(modelPath)).subarray(0, 1e6));
        await isOneLine(run(pipe), /TRUNCATED/);
    },
);

test(
    'R27 SIGTERM and SIGINT end a run as they end any program',
    { skip: process.platform === 'win32' },
    async () => {
        for (const signal of ['SIGTERM', 'SIGINT']) {
            const { child, done } = startCli(['run', '-m', modelPath, '-p', 'Once', '-n', '400']);
            child.stdout.once('data', () => child.kill(signal));
            const { code } = await done;
            assert.ok([null, 130, 143].includes(code), `${signal}: ${code}`);
        }
    },
);

test('R27 a cache that cannot be written is one line, and left as it was', async (t) => {
    const folder = temporaryFolder(t);
    const server = await serveModel(await readFile(modelPath));
    t.after(server.close);
    const before = process.env.TRIT_CACHE;
    t.after(() => (process.env.TRIT_CACHE = before));
    const file = join(folder, 'cache');
    await writeFile(file, 'mine');
    process.env.TRIT_CACHE = file; // a file where a folder should be
    const { code, stdout, stderr } = await cli(...run(server.url));
    assert.deepEqual([code, stdout.startsWith('Once')], [0, true], stderr);
    assert.match(stderr, /^trit: not stored: the folder of stored models[^\n]*\n$/);
    assert.equal(await readFile(file, 'utf8'), 'mine');
    assert.deepEqual(await readdir(folder), ['cache']);
    const model = await Trit.load(server.url, { threads: 1, store: false });
    assert.equal((await model.generate('Once', { maxTokens: 3 }).result).ids.length, 3);
    model.close();
});
