// What is told of how far a work is: how much, how fast, how long still.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Trit } from '../../web/node.js';
import { Meter } from '../../web/progress.js';
import { modelPath, temporaryFolder } from './helpers.mjs';
import { cutAt, serveModel } from './model-server.mjs';

/** A meter at a time that the test sets, and what it tells. */
function meterAt(t) {
    let now = 1000;
    t.mock.method(performance, 'now', () => now);
    const told = [];
    const meter = new Meter((progress) => told.push(progress), 'load');
    return { meter, told, later: (ms) => (now += ms) };
}

test('the rate is that of the last seconds, and of what came; the rest of the time follows', (t) => {
    const { meter, told, later } = meterAt(t);
    meter.report(6000, 10_000); // from the store
    assert.deepEqual(told.pop(), {
        ...{ phase: 'load', loaded: 6000, total: 10_000 },
        ...{ rate: undefined, eta: undefined },
    });
    meter.add(0);
    for (let i = 1; i <= 20; i++) {
        later(500);
        meter.add(50);
        meter.report(6000 + 50 * i, 10_000);
    }
    assert.deepEqual(told.at(-1), {
        ...{ phase: 'load', loaded: 7000, total: 10_000 },
        ...{ rate: 100, eta: 30 },
    });
    for (let i = 1; i <= 20; i++) {
        later(500);
        meter.add(100);
        meter.report(7000 + 100 * i);
    }
    const { rate, eta } = told.at(-1);
    assert.ok(rate > 180 && rate <= 200, `${rate}`);
    assert.equal(eta, undefined, 'of a total that is not known');
    meter.wait();
    assert.deepEqual(told.at(-1), {
        ...{ phase: 'wait', loaded: 9000, total: undefined },
        ...{ rate: undefined, eta: undefined },
    });
});

test('a load that goes on counts what is stored as loaded, but not as come', async (t) => {
    process.env.TRIT_CACHE = temporaryFolder(t);
    const packed = readFileSync(modelPath);
    const RECORD = 1 << 18;
    const server = await serveModel(packed);
    t.after(() => server.close());
    const load = async (network, onProgress) => {
        const store = { recordBytes: RECORD };
        const options = { threads: 1, flavour: 'simd128', store, network, onProgress };
        (await Trit.load(server.url, options)).close();
    };
    server.fault = cutAt(packed.length - 100_000, 1000);
    await assert.rejects(load({ tries: 1 }), { code: 'NETWORK' });
    const come = packed.length - Math.floor((packed.length - 100_000) / RECORD) * RECORD;
    server.fault = undefined;
    const told = [];
    const begin = performance.now();
    await load({}, (progress) => told.push({ ...progress, ms: performance.now() - begin }));
    assert.ok(told[0].loaded >= RECORD);
    for (const { phase, loaded, total, rate, eta, ms } of told) {
        assert.equal(phase, 'load');
        assert.ok(total === undefined || loaded <= total);
        assert.ok(rate === undefined || rate <= come / 0.2, `${rate} bytes/s after ${ms} ms`);
        assert.ok(eta === undefined || (eta >= 0 && Number.isFinite(eta)));
    }
    assert.equal(told.at(-1).loaded, packed.length);
});
