// What must not get into the repository: paths of one machine and the addresses of package registries.
import assert from 'node:assert/strict';
import test from 'node:test';
import { listFiles, readText } from './files.mjs';

// Written in two halves, so that this file does not find itself.
const FORBIDDEN = [
    new RegExp(String.raw`(?<![\w.:/])/` + '(work|root)/'),
    new RegExp('/ho' + String.raw`me/\w`),
    new RegExp(['registry', 'npmjs'].join(String.raw`\.`)),
    new RegExp(['deb', 'debian', 'org'].join(String.raw`\.`)),
    new RegExp(['snapshot', 'debian'].join(String.raw`\.`)),
    new RegExp(['(files\\.)?pyt' + 'honhosted', 'org'].join(String.raw`\.`)),
    new RegExp(['pypi', 'org'].join(String.raw`\.`)),
];
const BINARY = /\.(trit|bin|png|gguf|safetensors|ico|woff2)$/;

for (const pattern of FORBIDDEN) {
    test(`no file contains ${pattern.source}`, () => {
        const files = listFiles(/./).filter((name) => !BINARY.test(name));
        assert.deepEqual(
            files.filter((name) => pattern.test(readText(name))),
            [],
        );
    });
}
