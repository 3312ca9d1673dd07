// Where a run can be made: natively, in Node, in a browser.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repoDir, toolDir } from '../../wasm/toolchain/paths.mjs';
import { openBrowser } from '../web/browsers.mjs';
import { startServer } from '../web/server.mjs';
import { kernelTables } from './matrix.mjs';
import { API } from './work.js';

const execute = promisify(execFile);
const output = async (command, args) => (await execute(command, args.map(String))).stdout.trim();

/**
 * @typedef {object} Platform
 * @property {string[]} flavours
 * @property {string[]} tables
 * @property {(model: string, run: import('./matrix.mjs').Run) => Promise<string>} hash of a model's
 *   path in the repository; 'none' when the flavour lacks the table
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Platform>} */
async function openNative(prompts) {
    const tool = join(repoDir, 'build/release/tests/tool_hash');
    const file = join(repoDir, 'build/hash/prompts.bin');
    writeFileSync(file, Int32Array.from(prompts.flat()));
    return {
        flavours: ['native'],
        tables: kernelTables(),
        hash: (model, { kv, table, threads, slice, history }) =>
            output(tool, [join(repoDir, model), file, kv, table, threads, slice, history]),
        close: async () => {},
    };
}

const wasm = { flavours: ['simd128', 'relaxed'], tables: [API, ...kernelTables()] };

/** @returns {Promise<Platform>} */
async function openNode(prompts) {
    const program = join(repoDir, 'tests/hash/node.mjs');
    // Node 20 computes the relaxed dot product wrongly.
    const nodes = { simd128: process.execPath, relaxed: join(toolDir, 'node24/node') };
    return {
        ...wasm,
        hash: (model, run) =>
            output(nodes[run.flavour], [program, JSON.stringify({ model, prompts, run })]),
        close: async () => {},
    };
}

/** @returns {(prompts: number[][]) => Promise<Platform>} */
const openPage = (name, what) => async (prompts) => {
    const browser = await openBrowser(name, { limitMs: 240_000 });
    const server = await startServer({ isolated: true });
    const page = await browser.open(`${server.url}/tests/hash/page.html`);
    return {
        ...what,
        hash: (model, run) => page.evaluate((job) => window.hashOf(job), { model, prompts, run }),
        close: async () => {
            await browser.close();
            server.close();
        },
    };
};

export const platforms = {
    native: openNative,
    Node: openNode,
    Chromium: openPage('chromium', wasm),
    Firefox: openPage('firefox', wasm),
    WebKit: openPage('webkit', {
        flavours: ['simd128'],
        tables: wasm.tables.filter((table) => !table.startsWith('relaxed')),
    }),
};
