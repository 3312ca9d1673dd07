// Size is a feature: what a page fetches to run a model has a budget.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { ensurePackages } from '../../examples/chat/packages.mjs';
import { makeSite } from '../../examples/chat/site.mjs';
import { listFiles } from './files.mjs';

const BUDGET = 300_000;
const SHELL_BUDGET = 200_000;
// The command line and the Node entry are no part of a page.
const PAGE_FILES = /^web\/(?!cli|node)[^/]+\.js$/;

function packedSize(name) {
    return gzipSync(readFileSync(resolve(repoDir, name)), { level: 9 }).length;
}

for (const flavour of ['st-simd128', 'mt-simd128', 'st-relaxed', 'mt-relaxed']) {
    test(`${flavour} with its JavaScript fits ${BUDGET} bytes of gzip`, (t) => {
        const engine = ['wasm', 'mjs'].map((ext) => packedSize(`web/dist/trit-${flavour}.${ext}`));
        const page = listFiles(PAGE_FILES).reduce((sum, name) => sum + packedSize(name), 0);
        const total = engine[0] + engine[1] + page;
        t.diagnostic(`wasm ${engine[0]} + glue ${engine[1]} + web ${page} = ${total} bytes`);
        assert.ok(total <= BUDGET, `${total} bytes: find what grew, or argue for a larger budget`);
    });
}

/** What belongs to the engine and its models. */
const ENGINE = /^trit\/dist\/|\.trit$/;

test(`the chat page fits ${SHELL_BUDGET} bytes of gzip beside the engine and the model`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'trit-size-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    ensurePackages();
    makeSite({ folder });
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
        .filter((name) => !ENGINE.test(name));
    const total = names.reduce((sum, name) => sum + packedSize(join(folder, name)), 0);
    t.diagnostic(`${names.length} files, ${total} bytes`);
    assert.ok(names.includes('index.html') && total > 10_000);
    assert.ok(total <= SHELL_BUDGET, `${total} bytes: find what grew`);
});
