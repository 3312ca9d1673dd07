// Which runs there are, and which of them are made.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaults } from '../../web/defaults.js';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { API } from './work.js';

/**
 * @typedef {object} Run
 * @property {string} flavour
 * @property {string} table a kernel table, or API
 * @property {number} threads
 * @property {number} slice tokens of a prefill that are computed together
 * @property {'fresh' | 'rewound'} history
 * @property {'f32' | 'f16' | 'int8'} kv
 */

const THREADS = [1, 2, 3, 8];
const SLICES = [1, 7, 64];
const HISTORIES = ['fresh', 'rewound'];
export const KVS = ['f32', 'f16', 'int8'];
export const AXES = ['flavour', 'table', 'threads', 'slice', 'history', 'kv'];

/** The kernel tables that some build has, the fastest first and the slow reference last. */
export function kernelTables() {
    const source = readFileSync(join(repoDir, 'kernels/kernels.c'), 'utf8');
    const names = [...source.matchAll(/&trit_kernels_(\w+)/g)].map((match) => match[1]);
    if (names.length === 0) throw new Error('kernels/kernels.c registers no table in a known form');
    return names;
}

/**
 * Every combination on a platform. The public interface has a slice of its own.
 * @param {{flavours: string[], tables: string[]}} platform
 * @returns {Run[]}
 */
export function allRuns({ flavours, tables }) {
    const axes = { flavour: flavours, table: tables, threads: THREADS, slice: SLICES };
    let runs = [{}];
    for (const [axis, values] of Object.entries({ ...axes, history: HISTORIES, kv: KVS }))
        runs = runs.flatMap((run) => values.map((value) => ({ ...run, [axis]: value })));
    return runs.filter(({ table, slice }) => table !== API || slice === defaults.slice);
}

/** @param {Run} run */
const valuesOf = (run) => AXES.map((axis) => `${axis} ${run[axis]}`);

/** The run with the most values that no run has had; undefined when there is no such value left. */
function mostNew(runs, seen) {
    let best;
    let most = 0;
    for (const run of runs) {
        const n = valuesOf(run).filter((value) => !seen.has(value)).length;
        if (n > most) [best, most] = [run, n];
    }
    return best;
}

/**
 * Makes the runs of one platform: all, or so many that each value of each axis has been there.
 * @param {Run[]} runs
 * @param {boolean} full
 * @param {(run: Run) => Promise<boolean>} make false when the flavour lacks the table
 */
export async function makeRuns(runs, full, make) {
    const seen = new Set();
    let left = runs;
    for (;;) {
        const run = full ? left[0] : mostNew(left, seen);
        if (!run) return;
        const { flavour, table } = run;
        if (await make(run)) {
            left = left.filter((other) => other !== run);
            for (const value of valuesOf(run)) seen.add(value);
        } else {
            left = left.filter((other) => other.flavour !== flavour || other.table !== table);
        }
    }
}
