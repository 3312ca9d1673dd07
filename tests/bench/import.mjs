#!/usr/bin/env node
// `npm run bench:import`: how fast models of other engines are imported in Node, with one thread, and what memory
// that takes: a GGUF file of the keys, tensors and size of the official one of 2B4T, and its like in other
// containers. Two imports must pack to the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repoDir, toolDir } from '../../wasm/toolchain/paths.mjs';
import { makeSource, SOURCE_NAMES, TINY } from './import-sources.mjs';
import { OFFICIAL } from './official.mjs';
import { positive, readTexts, runMain, UsageError } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { machine, markdown, speed, summary } from './report.mjs';

const help = `usage: npm run bench:import -- [options]

  --shape 2B4T                          also tiny
  --sources official,tq2_0,packed,masters
                                        the official file (F16, I2_S); BF16 and TQ2_0; safetensors, packed by
                                        Hugging Face and masters in BF16. They are kept in build/import/
  --nodes node,node24                   node is the one on PATH
  --flavour simd128|relaxed             without it, the engine's choice
  --rounds 3                            each round imports every source once
  --tokens 4                            generated after each import
  --json FILE                           writes every run there
`;
const defaults = {
    ...{ shape: '2B4T', sources: SOURCE_NAMES.join(), nodes: 'node,node24' },
    ...{ rounds: '3', tokens: '4' },
};
const SHAPES = { '2B4T': OFFICIAL, tiny: TINY };
const NODES = { node: process.execPath, node24: join(toolDir, 'node24/node') };

/** Megabytes of the source a second of CPU time that one thread must take of these phases. */
const BARS = { F16: 400, BF16: 400, I2_S: 150, TQ2_0: 150, U8: 150 };

const hostFile = fileURLToPath(new URL('import-host.mjs', import.meta.url));

function importOnce(node, request) {
    const out = execFileSync(NODES[node], [hostFile, JSON.stringify(request)], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    return JSON.parse(out);
}

const between = (name, [begin, wallBegin, cpuBegin], [end, wallEnd, cpuEnd]) => ({
    ...{ name, bytes: end - begin, wall: wallEnd - wallBegin, cpu: cpuEnd - cpuBegin },
});

/**
 * Seconds and bytes of the whole pieces within each phase; of the rest, which is the last two pieces, the
 * tokenizer's tables and the check of I2_S; and of all after the start of the engine.
 */
function phaseTimes(marks, phases) {
    const taken = marks.slice(0, -1);
    const times = [];
    let from = 0;
    for (const { name, end } of phases) {
        // a header is done when the piece that it ends in is
        const isHeader = from === 0;
        const behind = taken.findIndex(([bytes]) => (isHeader ? bytes >= end : bytes > end));
        const to = behind < 0 ? taken.length - 1 : behind - Number(!isHeader);
        if (to > from) times.push(between(name, taken[from], taken[to]));
        from = to;
    }
    const last = marks.at(-1);
    return [...times, between('rest', taken.at(-1), last), between('all', marks[0], last)];
}

/** SHA-256 of the packed file that the command line makes, without keeping it. */
async function packedHash(path) {
    const out = join(repoDir, 'build/import/packed.trit');
    rmSync(out, { force: true });
    const cli = join(repoDir, 'web/cli.js');
    execFileSync(process.execPath, [cli, 'pack', path, '-o', out], {
        stdio: ['ignore', 'ignore', 'inherit'],
    });
    const hash = createHash('sha256');
    for await (const bytes of createReadStream(out)) hash.update(bytes);
    rmSync(out);
    return hash.digest('hex');
}

/** Throws when two imports do not give the same. */
function checkSame(name, values) {
    const others = new Set(values.map((value) => JSON.stringify(value)));
    if (others.size > 1) throw new Error(`${name}: two imports give ${[...others].join(' and ')}`);
}

/** Figures of the runs of one source in one Node. */
function report({ source, node, phases, runs }) {
    const times = runs.map(({ marks }) => phaseTimes(marks, phases));
    const rate = (i, clock) => summary(times.map((run) => run[i].bytes / run[i][clock] / 1e6));
    const rates = times[0].map(({ name, bytes }, i) => ({
        ...{ name, bytes, seconds: summary(times.map((run) => run[i].wall)) },
        ...{ wall: rate(i, 'wall'), cpu: rate(i, 'cpu') },
    }));
    const { info } = runs[0];
    const peakBytes = Math.max(...runs.map((run) => run.peakBytes));
    return { source, node, info, peakBytes, rates };
}

const isTooSlow = ({ name, cpu }) => cpu.median < (BARS[name.split(', ')[1]] ?? 0);

function table(reports) {
    const rows = reports.flatMap(({ source, node, info, rates }) =>
        rates.map((phase) => [
            ...[source, node, info.flavour, phase.name],
            ...[(phase.bytes / 1e6).toFixed(1), speed(phase.seconds), speed(phase.wall)],
            speed(phase.cpu) + (isTooSlow(phase) ? ': TOO SLOW' : ''),
        ]),
    );
    const head = ['source', 'Node', 'flavour', 'phase', 'MB', 's', 'MB/s', 'MB/s of CPU time'];
    return markdown([head, ...rows]);
}

function memoryTable(reports) {
    const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
    const rows = reports.map(({ source, node, info, peakBytes }) => [
        ...[source, node, mib(info.modelBytes), mib(info.memoryBytes), mib(peakBytes)],
        info.warning ? 'reads like noise' : '',
    ]);
    const head = ['source', 'Node', 'model MiB', 'wasm memory', 'peak of the process', 'warning'];
    return markdown([head, ...rows]);
}

function readOptions(args) {
    const values = readTexts(args, [...Object.keys(defaults), 'flavour', 'json'], defaults);
    const list = (option, known) =>
        values[option].split(',').map((name) => {
            if (known.includes(name)) return name;
            throw new UsageError(`--${option}: there is no "${name}", only ${known}`);
        });
    return {
        ...values,
        shape: SHAPES[list('shape', Object.keys(SHAPES))[0]],
        sources: list('sources', SOURCE_NAMES),
        nodes: list('nodes', Object.keys(NODES)),
        rounds: positive('rounds', values.rounds),
        tokens: positive('tokens', values.tokens),
    };
}

async function main(args) {
    const { help: asked, shape, sources, nodes, rounds, tokens, flavour, json } = readOptions(args);
    if (asked) return process.stdout.write(help);
    prepareTrit();
    const contextLength = Math.min(shape.nCtx, 512);
    const options = { threads: 1, contextLength, ...(flavour ? { flavour } : {}) };
    const tasks = sources.flatMap((source) => {
        const made = makeSource(source, shape);
        return nodes.map((node) => ({ source, node, ...made, runs: [] }));
    });
    for (let round = 1; round <= rounds; round++)
        for (const { source, node, path, runs } of tasks) {
            runs.push(importOnce(node, { path, options, tokens }));
            console.error(`${round} of ${rounds}: ${source}, ${node}`);
        }
    for (const source of sources) {
        const same = tasks.filter((task) => task.source === source);
        checkSame(
            source,
            same.flatMap(({ runs }) => runs.map(({ ids }) => ids)),
        );
        const { path } = same[0];
        checkSame(source, [await packedHash(path), await packedHash(path)]);
    }
    const reports = tasks.map(report);
    const { cpu, cores, load } = machine();
    console.log(`${cpu}, ${cores} cores; load ${load}; median (min–max) of ${rounds} rounds\n`);
    console.log(`${table(reports)}\n\n${memoryTable(reports)}`);
    if (json) writeFileSync(json, `${JSON.stringify({ machine: machine(), reports }, null, 2)}\n`);
    if (shape === OFFICIAL && reports.some(({ rates }) => rates.some(isTooSlow)))
        throw new Error('an import is slower than it may be');
}

await runMain('bench:import', main);
