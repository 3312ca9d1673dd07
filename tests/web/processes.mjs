// A program and all that it has started, as Linux tells it under /proc.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Why processes cannot be looked at here, in one sentence, or null when they can. */
export const processesMissing = () =>
    process.platform === 'linux' ? null : 'only Linux tells which processes a browser has';

/** The file's text; of a process that has ended meanwhile, nothing. */
function read(path) {
    try {
        return readFileSync(path, 'utf8');
    } catch {
        return '';
    }
}

/** Parent and state of a process, and for how many ticks it has computed; the name before them may hold anything. */
function statOf(pid) {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent] = fields;
    return { state, parent: Number(parent), ticks: Number(fields[11]) + Number(fields[12]) };
}

/** The numbers of a process and of all that come from it. */
export function treeOf(root) {
    const children = new Map();
    for (const pid of readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)) {
        const { parent } = statOf(pid);
        children.set(parent, [...(children.get(parent) ?? []), pid]);
    }
    const tree = [root];
    for (const pid of tree) tree.push(...(children.get(pid) ?? []));
    return tree;
}

/** Ends a process and all that come from it as a crash would, and waits until they are gone. */
export async function killTree(root) {
    const tree = treeOf(root);
    for (const pid of tree)
        try {
            process.kill(pid, 'SIGKILL');
        } catch {
            // it has ended by itself
        }
    const runs = (pid) => ![undefined, '', 'Z', 'X'].includes(statOf(pid).state);
    while (tree.some(runs)) await wait(2);
}

/**
 * Bytes of memory of a process and of each that comes from it, how they were called, and for how many ticks each has
 * computed; what several share is divided among them. Without files (`Pss_Anon` and `Pss_Shmem`) other browsers on the
 * machine do not change it, which share the program's pages.
 * @param {number} root
 * @param {string[]} fields lines of smaps_rollup
 */
const memories = (root, fields) =>
    treeOf(root).map((pid) => {
        const text = read(`/proc/${pid}/smaps_rollup`);
        const kilobytes = fields.map((field) =>
            Number(text.match(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm'))?.[1] ?? 0),
        );
        const bytes = 1024 * kilobytes.reduce((sum, each) => sum + each, 0);
        return { bytes, command: read(`/proc/${pid}/cmdline`), ticks: statOf(pid).ticks };
    });

/**
 * @param {number} root
 * @param {string[]} [fields]
 */
export const memoryOfTree = (root, fields = ['Pss']) =>
    memories(root, fields).reduce((sum, { bytes }) => sum + bytes, 0);

/** Chromium's and Firefox's processes for pages. */
const PAGES = /--type=renderer|-contentproc.*[\0 ]tab\0?$/;

/**
 * Of the processes that a browser has for pages, the one that has computed most: where one page is open and has worked, that
 * is its own, with its workers. The others show the browser's own face, which may be larger than a page, or wait for a page.
 * @param {number} root
 * @param {string[]} fields
 */
export function memoryOfPage(root, fields) {
    const [page] = memories(root, fields)
        .filter(({ command, ticks }) => PAGES.test(command) && ticks >= 0) // it has not just ended
        .sort((a, b) => b.ticks - a.ticks);
    if (!page) throw new Error('the browser has no process for pages');
    return page.bytes;
}
