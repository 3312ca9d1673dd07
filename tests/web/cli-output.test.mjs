// What the command line leaves behind: files, lines, exit codes, when all does not go well.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { openSync } from 'node:fs';
import { copyFile, lstat, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cli, cliPath, modelPath, startCli, temporaryFolder } from './helpers.mjs';

const m = ['-m', modelPath, '-t', '1'];
const full = openSync('/dev/full', 'w');

test('pack and logits write to a pipe and leave it one', { timeout: 120_000 }, async (t) => {
    const pipe = join(temporaryFolder(t), 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const commands = [
        ['pack', modelPath, '-o', pipe],
        ['logits', ...m, '--ids', '1', '--out', pipe],
    ];
    const lengths = [(await lstat(modelPath)).size, 4 * 4096];
    for (const [i, args] of commands.entries()) {
        const [{ code }, bytes] = await Promise.all([cli(...args), readFile(pipe)]);
        assert.equal(code, 0);
        assert.equal(bytes.length, lengths[i]);
        assert.ok((await lstat(pipe)).isFIFO());
    }
});

test('a link to the output stays a link', async (t) => {
    const folder = temporaryFolder(t);
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    await writeFile(file, 'old');
    await symlink(file, link);
    assert.equal((await cli('pack', modelPath, '-o', link)).code, 0);
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.equal((await lstat(file)).size, (await lstat(modelPath)).size);
});

test('an output that cannot be written whole is not left in part', async (t) => {
    const folder = temporaryFolder(t);
    const out = join(folder, 'out');
    const commands = [
        ['pack', modelPath, '-o', out],
        ['logits', ...m, '--ids', '1,2,3', '--all', '--out', out],
    ];
    for (const args of commands) {
        // the largest file that the shell lets its child write: 16 blocks of 512 or 1024 bytes
        const limited = ['-c', 'ulimit -f 16 && exec "$@"', 'sh', process.execPath, cliPath];
        const { status, stderr } = spawnSync('sh', [...limited, ...args], { encoding: 'utf8' });
        assert.match(stderr, /^trit: FILE: [^\n]*out: [^\n]+\n$/);
        assert.equal(status, 1);
        assert.deepEqual(await readdir(folder), []);
    }
});

test('pack takes its unfinished file away when it is told to end', async (t) => {
    const folder = temporaryFolder(t);
    const server = createServer((_, response) => response.writeHead(200).write('a')).listen(0);
    t.after(() => server.close().closeAllConnections());
    const url = `http://localhost:${server.address().port}/`;
    for (const [signal, code] of Object.entries({ SIGTERM: 143, SIGHUP: 129 })) {
        const args = ['pack', url, '-o', join(folder, 'out')];
        const { child, done } = startCli(args, { input: null });
        const ended = done.then(({ stderr }) => assert.fail(stderr));
        ended.catch(() => {}); // it is to end later
        await Promise.race([once(server, 'request'), ended]);
        assert.equal((await readdir(folder)).length, 1);
        child.kill(signal);
        assert.equal((await done).code, code);
        assert.deepEqual(await readdir(folder), []);
    }
});

test('what is read is not written over, whatever it is called', async (t) => {
    const folder = temporaryFolder(t);
    const names = ['model', 'link', 'card', 'model.safetensors', 'config.json', 'tokenizer.json'];
    const [model, link, card, ...files] = names.map((name) => join(folder, name));
    await copyFile(modelPath, model);
    await symlink(model, link);
    for (const path of [card, ...files]) await writeFile(path, '{}');
    const commands = [
        ['pack', model, '-o', link],
        ['pack', model, '--card', card, '-o', card],
        ['convert', link, '--to', 'i2_s', '-o', model],
        ['logits', '-m', link, '--ids', '1', '--out', model],
        ...files.map((path) => ['pack', folder, '-o', path]),
    ];
    for (const args of commands) {
        const { stderr, code } = await cli(...args);
        assert.match(stderr, /^trit: FILE: [^\n]*: it is a file that is read: name another one\n$/);
        assert.equal(code, 1);
    }
    assert.ok((await readFile(model)).equals(await readFile(modelPath)));
    for (const path of [card, ...files]) assert.equal(await readFile(path, 'utf8'), '{}');
    assert.deepEqual((await readdir(folder)).sort(), names.sort());
});

test('an output stream that is full is an error in one line', async () => {
    for (const args of [['--help'], ['run', ...m, '-p', 'x', '-n', '2', '--json']]) {
        const child = spawn(process.execPath, [cliPath, ...args], {
            stdio: ['pipe', full, 'pipe'],
        });
        let stderr = '';
        child.stderr.on('data', (data) => (stderr += data));
        const [code] = await once(child, 'close');
        assert.equal(stderr, 'trit: FILE: standard output: the disk is full\n');
        assert.equal(code, 1);
    }
    const stdio = ['pipe', 'pipe', full];
    const [code] = await once(spawn(process.execPath, [cliPath, 'nonsense'], { stdio }), 'close');
    assert.equal(code, 2, 'the exit code stands when nobody can be told');
});

test('a chat that reads from a pipe ends with the first turn that fails', async () => {
    const { done } = startCli(['chat', ...m, '--top-p', '2'], { input: 'Hello\nHello\n' });
    const { stdout, stderr, code } = await done;
    assert.match(stderr, /^trit: PARAM: [^\n]+\n$/);
    assert.equal(stdout, '');
    assert.equal(code, 1);
});

test('names in a file do not steer the terminal', async (t) => {
    const folder = temporaryFolder(t);
    const [bad, card, packed] = ['bad', 'card', 'packed'].map((name) => join(folder, name));
    const header = '{"a\\u001b[2J\\r\\u009b2Jb":{}}';
    const length = Buffer.alloc(8);
    length.writeUInt32LE(header.length);
    await writeFile(bad, Buffer.concat([length, Buffer.from(header)]));
    const { stderr } = await cli('info', '-m', bad);
    assert.match(stderr, /^trit: BAD_HEADER: tensor a\?\[2J\? 2Jb: [ -~]+\n$/);
    await writeFile(card, '{"na\\nme":"\\u001b[2J"}');
    assert.equal((await cli('pack', modelPath, '-o', packed, '--card', card)).code, 0);
    const { stdout } = await cli('info', '-m', packed);
    assert.match(stdout, /\nna me +\[2J\n$/);
});

const noScript = process.platform !== 'linux' && 'its terminals are made by the `script` of Linux';
test(
    'nor does what a model says or is told; a pipe gets it exactly',
    { skip: noScript },
    async () => {
        const prompt = '\x1b[2JOnce\r\x9b2J\x07 \tupon\n a time';
        const args = ['run', ...m, '-p', prompt, '-n', '1', '--temp', '0'];
        const { stdout } = await cli(...args);
        assert.ok(stdout.startsWith(prompt), JSON.stringify(stdout));
        const quoted = [process.execPath, cliPath, ...args].map((arg) => `'${arg}'`).join(' ');
        const seen = spawnSync('script', ['-qec', quoted, '/dev/null'], {
            encoding: 'utf8',
            input: '',
        });
        assert.match(seen.stdout, /^(\r\x1b\[K[^\n\x1b]*)*\[2JOnce2J \tupon\r\n a time/);
        assert.equal(seen.status, 0);
    },
);

test('JSON of foreign text steers no terminal, and is the same text', async () => {
    const prompt = '\x7f\x9b2J\x1b\u2028 Once';
    const { stdout } = await cli('run', ...m, '-p', prompt, '-n', '1', '--temp', '0', '--json');
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    const { prompt_ids: ids } = JSON.parse(stdout);
    const told = await cli('tokenize', ...m, '-p', prompt, '--bos', '--json');
    assert.deepEqual(JSON.parse(told.stdout).ids, ids);
});
