// Leads the reference along the engine's integers, and holds each of them against its own.

import assert from 'node:assert/strict';

const BOUNDARY = 1e-3;

/** A hook for the reference that checks and hands over the engine's integers. */
export function guide(records) {
    const seen = { sites: 0, numbers: 0, flips: 0, farthest: 0 };
    const onSite = ({ layer, site, position, s, scaled, codes }) => {
        const key = `${layer} ${site} ${position}`;
        const record = records.get(key);
        assert.ok(record, `the engine did not report ${key}`);
        assert.equal(record.codes.length, codes.length, key);
        assert.ok(Math.abs(record.s / s - 1) < 1e-5, `${key}: scale ${record.s}, reference ${s}`);
        record.codes.forEach((code, i) => {
            if (code === codes[i]) return;
            const boundary = Math.min(code, codes[i]) + 0.5;
            const distance = Math.abs(scaled[i] - boundary);
            const what = `${key} [${i}]: ${code}, reference ${scaled[i]}`;
            assert.ok(Math.abs(code - codes[i]) === 1 && distance < BOUNDARY, what);
            seen.flips++;
            seen.farthest = Math.max(seen.farthest, distance);
        });
        seen.sites++;
        seen.numbers += codes.length;
        return record.codes;
    };
    return { seen, onSite };
}
