#!/usr/bin/env node
// `npm run bench:model`: prefill and decode of models with random weights, in Node and in browsers.
//
// Configurations are measured in turn, each once a round, so that whatever else the machine does falls on
// all of them. Engines stay open between their turns as far as memory allows.
import { writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { keepBusy } from './busy.mjs';
import { hostMakers, openEngine } from './hosts.mjs';
import { help, readOptions, runMain, warmUp } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { decodeCpuMs, isOverBound, machine, memoryOf, summary, table } from './report.mjs';

const say = (text) => process.stderr.write(`${text}\n`);
const nameOf = ({ shape, version, flavour, kernels, threads }) =>
    `${shape}, ${version}, ${flavour}, ${kernels} kernels, ${threads} thread${threads > 1 ? 's' : ''}`;

/** Tokens a second of the last of some short runs: by then the code is compiled for speed. */
async function warm(engine) {
    const { prefill, decode, milliseconds } = warmUp;
    const begin = performance.now();
    for (;;) {
        const run = await engine.measure(prefill, decode);
        if (performance.now() - begin < milliseconds) continue;
        return {
            prefill: (1000 * prefill) / run.prefillMs,
            decode: (1000 * decode) / run.decodeMs,
        };
    }
}

/** Warm engines by configuration; the one that was opened first makes room for a new one. */
class Engines {
    #hosts;
    #open = new Map();
    #capacity = Infinity;

    constructor(hosts) {
        this.#hosts = hosts;
    }

    /** Resolves to the engine and, when it is a new one, its speeds. */
    async get(configuration) {
        const open = this.#open.get(configuration);
        if (open) return { engine: open };
        while (this.#open.size >= this.#capacity) await this.#closeFirst();
        const free = freemem();
        const { shape, host, threads, flavour, kernels, contextLength } = configuration;
        const wish = { shape, threads, flavour, contextLength };
        if (kernels !== 'fastest') wish.kernels = kernels;
        const engine = await openEngine(this.#hosts[host], wish);
        this.#open.set(configuration, engine);
        if (this.#open.size === 1) {
            const { boundBytes } = memoryOf(engine.info, 0);
            this.#capacity = Math.max(1, Math.floor((0.7 * free) / boundBytes));
        }
        return { engine, speeds: await warm(engine) };
    }

    async #closeFirst() {
        const [configuration, engine] = this.#open.entries().next().value;
        this.#open.delete(configuration);
        await engine.close();
    }

    async close() {
        while (this.#open.size > 0) await this.#closeFirst();
    }
}

/** Opens every configuration once. What a host cannot do, or a flavour has no kernels for, is left out. */
async function survey(engines, configurations) {
    const speeds = new Map();
    for (const configuration of configurations) {
        try {
            speeds.set(configuration, (await engines.get(configuration)).speeds);
        } catch (error) {
            const isNamed = configuration.kernels !== 'fastest' && error.code === 'PARAM';
            if (error.code !== 'UNSUPPORTED' && !isNamed) throw error;
            say(`left out: ${nameOf(configuration)}: ${error.message}`);
        }
    }
    return speeds;
}

/** The same lengths for all, so short that the slowest keeps to the time. */
function fitLengths({ prefill, depth, decode }, speeds, seconds) {
    const nPrompt = prefill + depth;
    const times = speeds.map((speed) => nPrompt / speed.prefill + decode / speed.decode);
    const share = Math.min(1, seconds / Math.max(...times));
    const fit = (n) => Math.max(1, Math.floor(n * share));
    return { prefill: fit(prefill), depth: fit(depth), decode: fit(decode) };
}

/** Tokens a second, and a second of CPU time where the host tells it. */
async function measure(engine, lengths) {
    const { prefill, depth, decode } = lengths;
    const first = await engine.measure(prefill, 0);
    const run = await engine.measure(depth, decode);
    return {
        prefill: (1000 * prefill) / first.prefillMs,
        decode: (1000 * decode) / run.decodeMs,
        prefillCpu: (1000 * prefill) / first.cpuMs,
        decodeCpu: (1000 * decode) / decodeCpuMs(first, run, lengths),
        memoryBytes: Math.max(first.memoryBytes, run.memoryBytes),
    };
}

async function benchShape(shape, hosts, options) {
    const engines = new Engines(hosts);
    const { contextLength, rounds, seconds } = options;
    const configurations = options.hosts.flatMap((host) =>
        options.flavours.flatMap((flavour) =>
            options.threads.flatMap((threads) =>
                options.kernels.map((kernels) => {
                    const { version } = hosts[host];
                    return { shape, host, version, flavour, threads, kernels, contextLength };
                }),
            ),
        ),
    );
    try {
        const speeds = await survey(engines, configurations);
        if (speeds.size === 0) throw new Error('nothing of what was asked for works here');
        const lengths = fitLengths(options.lengths, [...speeds.values()], seconds);
        const runs = new Map([...speeds.keys()].map((configuration) => [configuration, []]));
        const facts = new Map();
        for (let round = 1; round <= rounds; round++)
            for (const [configuration, list] of runs) {
                const { engine } = await engines.get(configuration);
                const run = await measure(engine, lengths);
                list.push(run);
                facts.set(configuration, {
                    kernelsUsed: engine.info.kernels,
                    memory: memoryOf(engine.info, run.memoryBytes),
                });
                const figures = `prefill ${run.prefill.toFixed(2)}, decode ${run.decode.toFixed(2)}`;
                say(`${round} of ${rounds}: ${nameOf(configuration)}: ${figures} tok/s`);
            }
        return [...runs].map(([configuration, list]) => ({
            ...configuration,
            lengths,
            ...Object.fromEntries(
                ['prefill', 'decode', 'prefillCpu', 'decodeCpu'].map((name) => [
                    name,
                    summary(list.map((run) => run[name])),
                ]),
            ),
            ...facts.get(configuration),
        }));
    } finally {
        await engines.close();
    }
}

async function main(args) {
    const options = readOptions(args);
    if (options.help) return process.stdout.write(help);
    prepareTrit();
    keepBusy(options.busy);
    const hosts = {};
    const results = [];
    try {
        for (const name of options.hosts) hosts[name] = await hostMakers[name]();
        for (const shape of options.shapes)
            results.push(...(await benchShape(shape, hosts, options)));
    } finally {
        for (const host of Object.values(hosts)) await host.close();
    }
    const facts = machine();
    console.log(
        `${facts.cpu}, ${facts.cores} cores, ${facts.memoryGiB} GiB, ${facts.system}; load ${facts.load}`,
    );
    for (const shape of options.shapes) {
        const { lengths } = results.find((result) => result.shape === shape);
        console.log(
            `${shape}: prefill of ${lengths.prefill} tokens, ${lengths.decode} decode steps after ` +
                `${lengths.depth} tokens; median (min–max), ${options.rounds} rounds`,
        );
    }
    console.log(`\n${table(results)}`);
    if (options.json) {
        const report = { date: new Date().toISOString(), machine: facts, results };
        writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    if (results.some(isOverBound)) throw new Error('an engine takes more memory than it may');
}

await runMain('bench:model', main);
