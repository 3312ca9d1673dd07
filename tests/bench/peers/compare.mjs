// The measurements themselves: for each shape and number of threads all engines are opened, and then
// measured in turn, round after round, so that what disturbs the machine disturbs them alike.
import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { browserProgram } from '../../../wasm/toolchain/browsers.mjs';
import { versionOf } from '../../../wasm/toolchain/run.mjs';
import { startServer } from '../../web/server.mjs';
import { machine } from '../report.mjs';
import { ENGINES } from './engines.mjs';
import { measureRound, summarise, warmUp } from './measure.mjs';
import { node24, openEngine } from './open.mjs';
import { measureBandwidth, prepareBandwidth, prepareGguf, preparePeers } from './prepare.mjs';
import { titleOf } from './report.mjs';

/** Keeps what went wrong, by the name of what failed, and goes on. */
class Failures {
    list = [];
    #say;

    constructor(say) {
        this.#say = say;
    }

    /** The body's value, or null when it failed. */
    async survive(what, body) {
        try {
            return await body();
        } catch (error) {
            const message = String(error?.message ?? error).replace(/\s*\n\s*/g, ' ');
            this.list.push({ what, message });
            this.#say(`FAILED: ${what}: ${message}`);
            return null;
        }
    }
}

/** Opens and warms up the engines of one group; those that fail are left out. */
async function openAll(names, where, failures, say) {
    const engines = [];
    for (const name of names) {
        const what = `${name}, ${titleOf(where)}`;
        say(`${what}: opening`);
        const engine = await failures.survive(what, () => openEngine(name, where));
        if (!engine) continue;
        engines.push({ ...engine, what, alive: true, samples: [] });
        say(`${what}: warming up`);
        await guard(engines.at(-1), failures, () => warmUp(engine, engine.setting));
    }
    return engines;
}

/** Runs the body for a living engine; one that fails is ended at once. */
async function guard(engine, failures, body) {
    if (!engine.alive) return null;
    const value = await failures.survive(engine.what, async () => (await body()) ?? true);
    if (value === null) {
        engine.alive = false;
        await engine.end();
    }
    return value;
}

/** The share of all cores that is in use while no engine has anything to do. */
async function measureBusy() {
    const read = () =>
        cpus().reduce(
            ([idle, all], { times }) => [
                idle + times.idle,
                all + Object.values(times).reduce((sum, time) => sum + time),
            ],
            [0, 0],
        );
    const before = read();
    await wait(1000);
    const after = read();
    return 1 - (after[0] - before[0]) / (after[1] - before[1]);
}

async function measureAll(engines, { options, threads }, failures, say) {
    const [bandwidth, busy] = [[], []];
    for (let round = 2; round < options.rounds + 2; round++) {
        busy.push(await measureBusy());
        for (const engine of engines) {
            const measure = () => measureRound(engine, engine.setting, round);
            const sample = await guard(engine, failures, measure);
            engine.samples.push(sample);
            if (sample) say(`round ${round - 1}: ${engine.what}: ${describe(sample)}`);
        }
        bandwidth.push(
            await failures.survive('the read bandwidth', () => measureBandwidth(threads)),
        );
    }
    return { bandwidth: summarise(bandwidth), busy: summarise(busy) };
}

const describe = ({ prefill, decode }) =>
    Object.entries(prefill)
        .map(([length, speed]) => `prefill ${length}: ${speed.toFixed(2)} tok/s`)
        .concat(`decode: ${decode.toFixed(2)} tok/s`)
        .join(', ');

function resultOf({ name, about, setting, samples }, bandwidth) {
    const lengths = [setting.depth, ...setting.prompts];
    const prefill = lengths.map((length) => [
        length,
        summarise(samples.map((sample) => sample && sample.prefill[length])),
    ]);
    return {
        name,
        ...about,
        freshTokens: setting.fresh,
        decode: summarise(samples.map((sample) => sample && sample.decode)),
        prefill: Object.fromEntries(prefill),
        decodeLimit: bandwidth && bandwidth.median / about.modelBytes,
    };
}

/** How many times a peer's speed trit's is, round by round. */
function ratiosOf(results) {
    const over = (ours, theirs) =>
        ours &&
        theirs &&
        summarise(
            ours.runs.map((value, i) =>
                value === null || theirs.runs[i] === null ? null : value / theirs.runs[i],
            ),
        );
    const [ours, peers] = [false, true].map((peer) =>
        results.filter(({ name }) => ENGINES[name].peer === peer),
    );
    return ours.flatMap((a) =>
        peers.map((b) => ({
            name: a.name,
            peer: b.name,
            decode: over(a.decode, b.decode),
            prefill: Object.fromEntries(
                Object.keys(a.prefill)
                    .filter((length) => b.prefill[length])
                    .map((length) => [length, over(a.prefill[length], b.prefill[length])]),
            ),
        })),
    );
}

async function compareGroup(names, where, failures, say) {
    const engines = await openAll(names, where, failures, say);
    try {
        const { bandwidth, busy } = await measureAll(engines, where, failures, say);
        const results = engines.map((engine) => resultOf(engine, bandwidth));
        const { shape, threads } = where;
        return { shape, threads, bandwidth, busy, engines: results, ratios: ratiosOf(results) };
    } finally {
        for (const engine of engines) if (engine.alive) await engine.end();
    }
}

/**
 * @param {import('./options.mjs').Options} options
 * @param {(text: string) => void} say
 */
export async function compare(options, say) {
    const failures = new Failures(say);
    const isPeer = (name) => ENGINES[name].peer;
    say('installing the peers and compiling the bandwidth test');
    const havePeers =
        options.engines.some(isPeer) &&
        (await failures.survive('the packages of the peers', () => (preparePeers(), true)));
    await failures.survive('the bandwidth test', prepareBandwidth);
    const server = await startServer({ isolated: true });
    const groups = [];
    try {
        for (const shape of options.shapes) {
            say(`${shape}: the peers' model file`);
            const gguf =
                havePeers &&
                (await failures.survive(`${shape}, the peers' model file`, () =>
                    prepareGguf(shape, options.head),
                ));
            const names = options.engines.filter((name) => gguf || !isPeer(name));
            for (const threads of options.threads) {
                const where = { shape, threads, gguf, options, url: server.url };
                groups.push(await compareGroup(names, where, failures, say));
            }
        }
    } finally {
        server.close();
    }
    const [node, chromium] = [node24, browserProgram('chromium')].map((program) =>
        versionOf(program)?.join('.'),
    );
    return { machine: { ...machine(), node, chromium }, options, groups, failures: failures.list };
}
