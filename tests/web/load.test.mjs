// Loading against an engine that is played by the test.
import assert from 'node:assert/strict';
import test from 'node:test';
import { fillEngine } from '../../web/filling.js';
import { load } from '../../web/load.js';

/** Answers every call a moment later; those that `fail` names with that error. */
function playedEngine(fail) {
    let take;
    let nPushes = 0;
    return {
        post({ id, op }) {
            if (id === undefined) return;
            const error = op === 'push' ? fail(nPushes++) : undefined;
            setTimeout(() => take(error ? { id, error } : { id, ok: {} }), 5);
        },
        onMessage: (f) => (take = f),
        onFailure() {},
        terminate() {},
    };
}

for (const bad of [0, 1, 2, 3])
    test(`of five pieces, piece ${bad} is the one whose error is told`, async () => {
        const pieces = [0, 1, 2, 3, 4].map(() => new Uint8Array(8));
        const fail = (n) =>
            n < bad
                ? undefined
                : { code: n === bad ? 'BAD_CODES' : 'STATE', message: `piece ${n}` };
        const platform = {
            startWorker: () => playedEngine(fail),
            isAddress: () => false,
            open: async () => ({
                total: undefined,
                chunks: (async function* () {
                    yield* pieces;
                })(),
            }),
            cores: 1,
        };
        await assert.rejects(load(platform, pieces, { flavour: 'simd128' }), {
            code: 'BAD_CODES',
            message: new RegExp(`piece ${bad}`),
        });
    });

test('what the engine and the store have to say stands in one note', async () => {
    const answers = {
        openStored: { state: 'partial', about: {}, info: { stored: false, note: 'not stored' } },
        readStored: { read: true },
        finishLoad: { note: 'one thread' },
    };
    const place = { addresses: ['http://localhost/x'] };
    const client = { call: async (op) => answers[op] };
    const info = await fillEngine({}, client, place, {}, {});
    assert.deepEqual(info, { stored: false, note: 'one thread; not stored' });
});
