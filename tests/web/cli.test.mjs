import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
    copyFile,
    cp,
    mkdir,
    readFile,
    readdir,
    stat,
    truncate,
    writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cli, modelPath, root, startCli, temporaryFolder } from './helpers.mjs';

const m = ['-m', modelPath, '-t', '1'];

async function json(...args) {
    const { stdout, stderr, code } = await cli(...args, '--json');
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /^[^\n]+\n$/, 'one line and nothing else');
    return JSON.parse(stdout);
}

const prompt = 'Once upon a time';
const greedy = ['-n', '24', '--temp', '0'];

test('run gives prompt ids with BOS, ids, text and the reason of the end', async () => {
    const result = await json('run', ...m, '-p', prompt, ...greedy);
    assert.deepEqual(Object.keys(result), ['prompt_ids', 'ids', 'text', 'finish']);
    assert.equal(result.prompt_ids[0], 4091);
    assert.equal(result.ids.length, 24);
    assert.equal(result.finish, 'length');
    assert.ok(result.text.startsWith(' '));
});

test('run takes ids as they are, and threads change nothing', async () => {
    const one = await json('run', ...m, '-p', prompt, ...greedy);
    const two = await json(
        ...['run', '-m', modelPath, '-t', '2', '--ids', one.prompt_ids.join(','), ...greedy],
    );
    assert.deepEqual(two, one);
    const bare = await json('run', ...m, '--ids', '39,424', '-n', '1', '--temp', '0');
    assert.deepEqual(bare.prompt_ids, [39, 424]);
});

test('run without --json shows the prompt and the answer', async () => {
    const { text } = await json('run', ...m, '-p', prompt, ...greedy);
    assert.equal((await cli('run', ...m, '-p', prompt, ...greedy)).stdout, `${prompt}${text}\n`);
    const only = await cli('run', ...m, '-p', prompt, ...greedy, '--no-display-prompt');
    assert.equal(only.stdout, `${text}\n`);
});

test('run is repeatable with a seed, also with seed 0', async () => {
    const draw = (seed) =>
        json('run', ...m, '-p', prompt, '-n', '16', '--temp', '2', '--seed', seed);
    assert.deepEqual(await draw('0'), await draw('0'));
    assert.notDeepEqual((await draw('0')).ids, (await draw('18446744073709551615')).ids);
});

test('run ends before a stop text', async () => {
    const whole = await json('run', ...m, '-p', prompt, ...greedy);
    const stop = whole.text.slice(7, 11);
    const cut = await json('run', ...m, '-p', prompt, ...greedy, '--stop', stop, '--stop', '@@');
    assert.equal(cut.finish, 'stop');
    assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf(stop)));
});

test('a value may begin with a dash, as -n -1, which asks for all that fits', async () => {
    const all = await json('run', ...m, '-p', '-x', '--temp', '0', '-c', '16', '-n', '-1');
    assert.equal(all.prompt_ids.length + all.ids.length, 16 + 1);
    const dash = await json('tokenize', ...m, '--prompt', '- a list');
    const joined = await json('tokenize', ...m, '--prompt=- a list');
    assert.deepEqual(dash.ids, joined.ids);
});

test('tokenize reads special tokens and adds BOS only when told to', async () => {
    const plain = await json('tokenize', ...m, '-p', 'Hi<|eot_id|>');
    assert.ok(!plain.ids.includes(4095) && !plain.ids.includes(4091));
    const special = await json('tokenize', ...m, '-p', 'Hi<|eot_id|>', '--special', '--bos');
    assert.equal(special.ids[0], 4091);
    assert.equal(special.ids.at(-1), 4095);
});

test('logits writes float32 rows; the last of all rows is the last row', async (t) => {
    const folder = temporaryFolder(t);
    const [all, last] = [join(folder, 'all'), join(folder, 'last')];
    await cli('logits', ...m, '--ids', '4091,39,424', '--all', '--out', all);
    await cli('logits', ...m, '--ids', '4091,39,424', '--out', last);
    const rows = await readFile(all);
    assert.equal(rows.length, 3 * 4096 * 4);
    assert.deepEqual(rows.subarray(-4096 * 4), await readFile(last));
});

test('score counts every token of a file once, over windows', async (t) => {
    const file = join(temporaryFolder(t), 'text');
    const text = 'The king had three daughters, and the youngest was as fair as the day. '.repeat(
        8,
    );
    await writeFile(file, text);
    const { ids } = await json('tokenize', ...m, '-f', file);
    const score = await json('score', ...m, '-f', file, '-c', '64');
    assert.deepEqual(Object.keys(score), ['tokens', 'bytes', 'bits_per_byte', 'perplexity']);
    assert.equal(score.tokens, ids.length);
    assert.equal(score.bytes, text.length);
    const bits = Math.log2(score.perplexity) * (score.tokens / score.bytes);
    assert.ok(Math.abs(bits - score.bits_per_byte) < 1e-9);
    assert.ok(score.bits_per_byte > 0.05 && score.bits_per_byte < 2);
});

test('info and bench', async () => {
    const info = await json('info', ...m);
    assert.equal(info.nVocab, 4096);
    assert.deepEqual(info.stopIds, [4092, 4095]);
    const bench = await json(
        ...['bench', '--shape', 'tiny', '-t', '1', '--prefill', '8', '--decode', '4'],
        ...['--repeat', '1', '--flavour', 'simd128'],
    );
    assert.ok(bench.prefill_tok_s > 0 && bench.decode_tok_s > 0 && bench.memory_bytes > 0);
    const wrong = await cli('bench', '--shape', 'tiny', '--prefill', '1.5');
    assert.match(wrong.stderr, /^trit: PARAM: prefill /);
    const file = await json('bench', ...m, '--prefill', '8', '--decode', '4', '--repeat', '1');
    const { size } = await stat(modelPath);
    assert.ok(Math.abs(file.load_byte_s * file.load_s - size) < 1);
    assert.ok(file.start_s > 0 && file.load_s > 0);
});

test('pack makes the same file of a packed one, and leaves no other file', async (t) => {
    const folder = temporaryFolder(t);
    const out = join(folder, 'out.trit');
    const card = join(root, 'models/tiny-tales/card.json');
    assert.equal((await cli('pack', modelPath, '-o', out, '--card', card)).code, 0);
    assert.ok((await readFile(modelPath)).equals(await readFile(out)));
    assert.deepEqual(await readdir(folder), ['out.trit']);
});

test('pack --synthetic writes a model of random weights that loads like any other', async (t) => {
    const folder = temporaryFolder(t);
    const [out, again] = [join(folder, 'out'), join(folder, 'again')];
    const shape = ['pack', '--synthetic', 'tiny', '--gate-zeros', '0.9'];
    const { bytes } = await json(...shape, '-o', out);
    assert.equal((await cli(...shape, '-o', again)).code, 0);
    const file = await readFile(out);
    assert.equal(file.length, bytes);
    assert.deepEqual(await readFile(again), file);
    const info = await json('info', '-m', out, '-t', '1');
    assert.equal(info.nLayer, 8);
    assert.equal(info.nCtx, 512);
    assert.match(info.card.description, /random weights in the shape of tiny/);
    assert.deepEqual([info.card.zeros, info.card.gate_zeros], [1 / 3, 0.9]);
    const { ids } = await json('run', '-m', out, '-t', '1', '-p', 'the', '-n', '4', '--temp', '0');
    assert.equal(ids.length, 4);
    const other = ['pack', '--synthetic', 'tiny', '--zeros', '0.42', '-c', '700', '-o', again];
    assert.equal((await cli(...other)).code, 0);
    assert.notDeepEqual(await readFile(again), file);
    assert.equal((await json('info', '-m', again, '-t', '1')).nCtx, 700);
});

test('pack keeps the old file when the new one fails', async (t) => {
    const folder = temporaryFolder(t);
    const [source, out] = [join(folder, 'cut.trit'), join(folder, 'out.trit')];
    await writeFile(source, await readFile(modelPath));
    await truncate(source, 100_000);
    await writeFile(out, 'old');
    const { code, stderr } = await cli('pack', source, '-o', out);
    assert.equal(code, 1);
    assert.match(stderr, /^trit: TRUNCATED: /);
    assert.equal(await readFile(out, 'utf8'), 'old');
    assert.deepEqual((await readdir(folder)).sort(), ['cut.trit', 'out.trit']);
});

test('a failure is one clear line and an exit code', async (t) => {
    const folder = temporaryFolder(t);
    const [cut, long, empty, latin] = ['cut', 'long', 'empty', 'latin'].map((name) =>
        join(folder, name),
    );
    const bytes = await readFile(modelPath);
    await writeFile(cut, bytes.subarray(0, 50_000));
    await writeFile(long, Buffer.concat([bytes, Buffer.from('x')]));
    await writeFile(empty, '');
    await writeFile(latin, Buffer.from('na\xefve', 'latin1'));
    const words = 'word '.repeat(600);
    const masters = join(folder, 'masters');
    await mkdir(masters);
    await writeFile(join(masters, 'config.json'), '{"a":');
    await writeFile(join(masters, 'tokenizer.json'), '');
    await writeFile(join(masters, 'model.safetensors'), '');
    const cases = [
        [['run', '-m', join(folder, 'nothing'), '-p', 'x'], 1, 'FILE'],
        [['run', '-m', folder, '-p', 'x'], 1, 'NOT_A_MODEL'],
        [['run', '-m', join(root, 'package.json'), '-p', 'x'], 1, 'NOT_A_MODEL'],
        [['run', '-m', cut, '-p', 'x'], 1, 'TRUNCATED'],
        [['run', '-m', empty, '-p', 'x'], 1, 'TRUNCATED'],
        [['run', '-m', long, '-p', 'x'], 1, 'TRAILING_BYTES'],
        [['run', '-m', masters, '-p', 'x'], 1, 'BAD_JSON: config.json'],
        [['run', '-m', modelPath, '-p', 'x', '-t', '0'], 1, 'PARAM'],
        [['run', '-m', modelPath, '-p', 'x', '-t', '999'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '-c', '99999'], 1, 'PARAM'],
        [['run', ...m, '-p', words], 1, 'PROMPT_TOO_LONG'],
        [['run', ...m, '--ids', '1,4096'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '--top-p', '2'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '--temp=-1'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '--temp', '-1'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '-n', '-2'], 1, 'PARAM'],
        [['run', ...m, '-p', '--json'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '--seed', '-1'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '--kv', 'f8'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '--flavour', 'fast'], 1, 'PARAM'],
        [['score', ...m, '-f', empty], 1, 'PARAM'],
        [['run', ...m, '-f', latin], 1, 'FILE'],
        [['tokenize', ...m, '-f', latin], 1, 'FILE'],
        [['pack', modelPath, '-o', empty, '--card', latin], 1, 'FILE'],
        [['pack', modelPath, '-o', empty, '--head', 'constructor'], 1, 'PARAM'],
        [['pack', modelPath, '-o', folder], 1, 'FILE'],
        [['pack', modelPath, '-o', join(folder, 'no/where')], 1, 'FILE'],
        [['logits', ...m, '--ids', '1', '--out', folder], 1, 'FILE'],
        [['bench', '--shape', 'none', '-t', '1'], 1, 'PARAM'],
        [['bench', '--shape', 'tiny', '--zeros', '2', '-t', '1'], 1, 'PARAM'],
        [['bench', ...m, '--gate-zeros', '0.9'], 2, 'USAGE'],
        [['pack', '-o', join(folder, 'x')], 2, 'USAGE'],
        [['pack', modelPath, '--synthetic', 'tiny', '-o', join(folder, 'x')], 2, 'USAGE'],
        [['pack', modelPath, '--zeros', '0.4', '-o', join(folder, 'x')], 2, 'USAGE'],
        [['pack', '--synthetic', 'tiny', '--head', 'f16', '-o', join(folder, 'x')], 2, 'USAGE'],
        [['pack', '--synthetic', 'tiny', '--zeros', 'x', '-o', join(folder, 'x')], 2, 'USAGE'],
        [['pack', '--synthetic', 'tiny', '--zeros', '-1', '-o', join(folder, 'x')], 1, 'PARAM'],
        [['pack', '--synthetic', 'tiny', '-c', '0', '-o', join(folder, 'x')], 1, 'PARAM'],
        [['pack', '--synthetic', '4B', '-o', join(folder, 'x')], 1, 'PARAM'],
        [['pack', '--synthetic', '0.7B', '--gate-zeros', '0.9', '-o', '/dev/null'], 1, 'PARAM'],
        [['run', ...m, '-p', 'x', '--temp', 'NaN'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '--temp', 'Infinity'], 2, 'USAGE'],
        [['run', ...m, '--ids', '1,,2'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '--ids', '1'], 2, 'USAGE'],
        [['run', '-p', 'x'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '--nonsense'], 2, 'USAGE'],
        [['nonsense'], 2, 'USAGE'],
    ];
    for (const [args, code, name] of cases) {
        const result = await cli(...args);
        const shown = `${args.join(' ').slice(0, 120)}: ${result.stderr}`;
        assert.equal(result.code, code, shown);
        assert.match(result.stderr, new RegExp(`^trit: ${name}: [^\\n]+\\n$`), shown);
        assert.equal(result.stdout, '', shown);
    }
    assert.equal((await cli()).code, 2);
    assert.equal((await cli('--help')).code, 0);
});

test('an engine that was not built says how to build it', async (t) => {
    const folder = temporaryFolder(t);
    const filter = (path) => !path.endsWith('dist');
    await cp(join(root, 'web'), join(folder, 'web'), { recursive: true, filter });
    await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
    const args = [join(folder, 'web/cli.js'), 'info', ...m];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^trit: RUNTIME_LOAD: [^\n]*npm run build[^\n]*\n$/);
});

test('Ctrl-C ends run with 130', async () => {
    const { child, done } = startCli(['run', ...m, '-p', prompt, '--temp', '0'], { input: null });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { code, stderr } = await done;
    assert.equal(code, 130);
    assert.equal(stderr, '');
});

const noPipes = process.platform === 'win32' && 'there are no named pipes';
test('Ctrl-C ends also what waits for a pipe', { skip: noPipes }, async (t) => {
    const pipe = join(temporaryFolder(t), 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const ends = [
        ['info', '-m', pipe],
        ['run', ...m, '-f', pipe],
    ].map(async (args) => {
        const { child, done } = startCli(args, { input: null });
        await new Promise((resolve) => setTimeout(resolve, 1500));
        child.kill('SIGINT');
        const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
        const { code } = await done;
        clearTimeout(late);
        // a shell tells either as 130; the code is that of one that had not opened the pipe yet
        return code === 130 || child.signalCode === 'SIGINT';
    });
    assert.deepEqual(await Promise.all(ends), [true, true]);
});

test('a reader that goes away ends run quietly', async () => {
    const { child, done } = startCli(['run', ...m, '-p', prompt, '--temp', '0'], { input: null });
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await done;
    assert.equal(code, 0);
    assert.equal(stderr, '');
});

test('chat answers each line and leaves at the end of input', async () => {
    const { done } = startCli(['chat', ...m, '-n', '8', '--temp', '0', '--json'], {
        input: 'Hello\n\nTell me a story\n',
    });
    const { stdout, stderr, code } = await done;
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const answers = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    assert.equal(answers.length, 2);
});

test('Ctrl-C in chat stops the answer, a second one leaves', async () => {
    const { child, done } = startCli(['chat', ...m, '--temp', '0'], { input: null });
    child.stdin.write('Tell me a story\n');
    child.stdout.once('data', () => child.kill('SIGINT'));
    await new Promise((resolve) => {
        child.stdout.on('data', (data) => String(data).endsWith('\n') && resolve());
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(child.exitCode, null);
    child.kill('SIGINT');
    const { code } = await done;
    assert.equal(code, 130);
});
