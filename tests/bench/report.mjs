// Figures of the rounds as a table for people and as JSON.
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

const MIB = 2 ** 20;
const RESERVE = 64 * MIB;
const KV_BYTES = { f32: 4, f16: 2, int8: 1 };

/** What the machine is, without anything that names it. */
export const machine = () => ({
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    // A minute's average now, at the end: other work than ours makes figures smaller.
    load: Number(loadavg()[0].toFixed(1)),
});

/** CPU time of decoding: what a run with it took more than a prefill alone. Not told by runs of other lengths. */
export function decodeCpuMs(first, run, { prefill, depth }) {
    const ms = prefill === depth ? run.cpuMs - first.cpuMs : NaN;
    return ms > 0 ? ms : NaN;
}

/** Null when the host does not tell. */
export function summary(runs) {
    if (runs.some(Number.isNaN)) return null;
    const sorted = [...runs].sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    return {
        median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
        min: sorted[0],
        max: sorted.at(-1),
        runs,
    };
}

function kvBytes({ nLayer, nHeadKv, headDim, contextLength, kv }) {
    const scales = kv === 'int8' ? 4 : 0;
    return 2 * nLayer * contextLength * nHeadKv * (headDim * KV_BYTES[kv] + scales);
}

/** The memory of an engine against what it may be: weights, KV cache and 64 MiB. */
export function memoryOf(info, memoryBytes) {
    const { modelBytes } = info;
    const boundBytes = modelBytes + kvBytes(info) + RESERVE;
    return { memoryBytes, modelBytes, kvBytes: kvBytes(info), boundBytes };
}

export const isOverBound = ({ memory }) => memory.memoryBytes > memory.boundBytes;

export const figure = (x) => x.toFixed(x < 10 ? 2 : x < 100 ? 1 : 0);
export const speed = ({ median, min, max }) => `${figure(median)} (${figure(min)}–${figure(max)})`;

// Threads that wait for each other spend CPU time too, so that it tells the speed of one only.
const cpuSpeed = ({ threads, prefillCpu, decodeCpu }) =>
    threads === 1 && prefillCpu
        ? `${figure(prefillCpu.median)} / ${decodeCpu ? figure(decodeCpu.median) : '–'}`
        : '–';

/** A Markdown table, so that it can go into the log as it is. */
export function markdown(rows) {
    const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
    const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
    const [head, ...body] = rows;
    return [line(head), line(widths.map((n) => '-'.repeat(n))), ...body.map(line)].join('\n');
}

export function table(results) {
    const rows = results.map((result) => {
        const { memoryBytes, boundBytes } = result.memory;
        const memory = `${(memoryBytes / MIB).toFixed(0)} of ${(boundBytes / MIB).toFixed(0)}`;
        return [
            ...[result.shape, result.version, result.flavour, result.kernels],
            String(result.threads),
            ...[speed(result.prefill), speed(result.decode), cpuSpeed(result)],
            isOverBound(result) ? `${memory}: TOO MUCH` : memory,
        ];
    });
    const head = ['shape', 'host', 'flavour', 'kernels', 'threads'];
    const speeds = ['prefill tok/s', 'decode tok/s', 'of CPU time'];
    return markdown([[...head, ...speeds, 'MiB'], ...rows]);
}
