// The native example: a wrong call is one line with a code, and changes nothing silently.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadModel, native } from './helpers.mjs';

const m = ['-m', loadModel('f16').path];

test('wrong calls are refused in words', () => {
    const cases = [
        [['run', ...m, '-p', 'x', '--kv', 'f8'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '-n', 'many'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '-n'], 2, 'USAGE'],
        [['run', ...m, '--ids', '1,x'], 2, 'USAGE'],
        [['run', ...m], 2, 'USAGE'],
        [['sing', ...m, '-o', 'x'], 2, 'USAGE'],
        [['run', ...m, '-p', 'x', '-t', '65'], 1, 'PARAM'],
        [['run', '-m', 'nothing/there', '-p', 'x'], 1, 'FILE'],
    ];
    for (const [args, status, code] of cases)
        assert.throws(
            () => native(...args),
            (error) => {
                assert.equal(error.status, status, args.join(' '));
                assert.match(error.stderr, new RegExp(`^trit-native: ${code}: [^\\n]+\\n$`));
                return true;
            },
        );
});
