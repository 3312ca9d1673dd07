// The command line's four ways to say what an answer must be.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cli, modelPath, startCli, temporaryFolder } from './helpers.mjs';

const run = (...args) => cli('run', '-m', modelPath, '-t', '1', '-p', 'Yes or no?', ...args);
const grammar = 'root ::= " " ("yes" | "no")';
const schema = '{"type":"object","properties":{"age":{"type":"integer","minimum":3,"maximum":5}}}';

async function answer(...args) {
    const { stdout, stderr, code } = await run(...args, '--json', '--seed', '1');
    assert.deepEqual([stderr, code], ['', 0]);
    return JSON.parse(stdout);
}

/** One line on stderr, nothing on stdout. */
async function isRefused(args, status, says) {
    const { stdout, stderr, code } = await run(...args);
    assert.deepEqual([stdout, code], ['', status], stderr);
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
}

test('an answer follows a grammar or a schema, from an option or a file', async (t) => {
    const folder = temporaryFolder(t);
    const [grammarFile, schemaFile] = ['yes.gbnf', 'age.json'].map((name) => join(folder, name));
    await writeFile(grammarFile, `# yes or no\n${grammar}\n`);
    await writeFile(schemaFile, `${schema}\n`);
    const given = await answer('--grammar', grammar);
    assert.match(given.text, /^ (yes|no)$/);
    assert.equal(given.finish, 'stop');
    assert.deepEqual(await answer('--grammar-file', grammarFile), given);
    const made = await answer('--json-schema', schema);
    assert.ok([undefined, 3, 4, 5].includes(JSON.parse(made.text).age), made.text);
    assert.equal(made.finish, 'stop');
    assert.deepEqual(await answer('--json-schema-file', schemaFile), made);
    const any = await answer('--json-schema', '{}', '--temp', '0', '-n', '30');
    assert.match(any.text, /^["{[\-\dtfn]/);
});

test('in a conversation each answer follows it', async () => {
    const args = ['chat', '-m', modelPath, '-t', '1', '--grammar', 'root ::= "yes"', '--json'];
    const { stdout, stderr, code } = await startCli(
        [...args, '--chat-template', '{{ messages[-1].content }}'],
        {
            input: 'One?\nTwo?\n',
        },
    ).done;
    assert.deepEqual([stderr, code], ['', 0]);
    assert.deepEqual(
        stdout
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line).text),
        ['yes', 'yes'],
    );
});

test('what is wrong is one line with its name, and nothing is answered', async (t) => {
    const none = join(temporaryFolder(t), 'none');
    await isRefused(['--grammar', 'root := "a"'], 1, /BAD_GRAMMAR.*line 1/);
    await isRefused(['--grammar', ''], 1, /BAD_GRAMMAR.*no rule root/);
    await isRefused(['--json-schema', '{"pattern":"x"}'], 1, /BAD_SCHEMA.*"pattern"/);
    await isRefused(['--json-schema', '{'], 1, /BAD_SCHEMA.*no JSON/);
    for (const odd of ['false', 'null'])
        await isRefused(['--json-schema', odd], 1, /BAD_SCHEMA.*neither an object nor true/);
    for (const option of ['--grammar-file', '--json-schema-file'])
        await isRefused([option, none], 1, /no such file/);
    await isRefused(
        ['--grammar', grammar, '--json-schema', schema],
        2,
        /either --grammar or --json-schema/,
    );
    await isRefused(['--grammar', grammar, '--grammar-file', none], 2, /either/);
    await isRefused(['--grammar'], 2, /--grammar/);
});
