// Size is a feature: what a page fetches to run a model has a budget.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { listFiles } from './files.mjs';

const BUDGET = 300_000;
// The command line and the Node entry are no part of a page.
const PAGE_FILES = /^web\/(?!cli|node)[^/]+\.js$/;

function packedSize(name) {
    return gzipSync(readFileSync(join(repoDir, name)), { level: 9 }).length;
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
