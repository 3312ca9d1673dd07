// The forward pass of BitNet b1.58 2B4T (arXiv 2504.12285) in float64, one token at a time with a
// KV cache. Activations are quantised as the model was trained; the sums of a ternary product are
// exact integers; nothing else is rounded. Slow, and written to be compared with the equations.

import { roundHalfEven } from './ternarise.mjs';

/**
 * x / sqrt(mean(x^2) + eps) * gain, evaluated from left to right: in layer 0 the inputs are such
 * short numbers that x * s is often exactly k + 1/2, and then the order decides the rounding.
 */
function rmsNorm(x, gain, eps) {
    let squares = 0;
    for (const value of x) squares += value * value;
    const root = Math.sqrt(squares / x.length + eps);
    return Float64Array.from(x, (value, i) => (value / root) * gain[i]);
}

/** The factor that brings the largest |x| to `top`, with the floor of the training code. */
function scaleTo(top, x) {
    let max = 1e-5;
    for (const value of x) max = Math.max(max, Math.abs(value));
    return top / max;
}

/** A8: int8 with the largest |x| at 127, half to even. */
export function quantiseA8(x) {
    const s = scaleTo(127, x);
    const scaled = x.map((value) => value * s);
    return { s, scaled, codes: Int8Array.from(scaled, roundHalfEven) };
}

/** y = (sum q * w) / s * scale, row by row. The sum stays below 2^31: |q| <= 127, |w| <= 1. */
function ternaryProduct({ rows, cols, codes, scale }, { codes: q, s }) {
    const y = new Float64Array(rows);
    for (let r = 0, i = 0; r < rows; r++) {
        let sum = 0;
        for (let c = 0; c < cols; c++, i++) sum = (sum + Math.imul(codes[i], q[c])) | 0;
        y[r] = (sum / s) * scale;
    }
    return y;
}

/** Rotates the pairs (i, i + size / 2) of every head by position * theta^(-2 i / size). */
function rotate(x, size, position, theta) {
    const half = size / 2;
    for (let head = 0; head < x.length; head += size)
        for (let i = 0; i < half; i++) {
            const angle = position * theta ** ((-2 * i) / size);
            const cos = Math.cos(angle);
            const sin = Math.sin(angle);
            const a = x[head + i];
            const b = x[head + i + half];
            x[head + i] = a * cos - b * sin;
            x[head + i + half] = b * cos + a * sin;
        }
}

/** Attention of one position over the cached keys and values, position by position in `cache`. */
function attention(q, cache, { n_head: heads, n_head_kv: kvHeads, head_dim: size }) {
    const out = new Float64Array(heads * size);
    for (let h = 0; h < heads; h++) {
        const own = h * size;
        const shared = Math.floor((h * kvHeads) / heads) * size;
        const scores = cache.map(({ k }) => {
            let dot = 0;
            for (let i = 0; i < size; i++) dot += q[own + i] * k[shared + i];
            return dot / Math.sqrt(size);
        });
        const max = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - max));
        const total = weights.reduce((a, b) => a + b, 0);
        cache.forEach(({ v }, t) => {
            for (let i = 0; i < size; i++) out[own + i] += (weights[t] / total) * v[shared + i];
        });
    }
    return out;
}

const GATES = {
    glu_relu2: (x) => Math.max(0, x) ** 2,
    glu_silu: (x) => x / (1 + Math.exp(-x)),
};

function embedding(embed, id) {
    const begin = id * embed.cols;
    const end = begin + embed.cols;
    if (embed.kind === 'f16') return Float64Array.from(embed.values.subarray(begin, end));
    return Float64Array.from(embed.codes.subarray(begin, end), (code) => code * embed.scale[id]);
}

/**
 * Logits. Over f16 rows in full precision; over int8 rows by contract H14, which brings the hidden
 * vector to 14-bit integers first.
 */
function headProduct(head, hidden) {
    const { rows, cols } = head;
    const logits = new Float64Array(rows);
    const int8 = head.kind === 'int8';
    const weights = int8 ? head.codes : head.values;
    const s = int8 ? scaleTo(8191, hidden) : 1;
    const x = int8 ? hidden.map((value) => roundHalfEven(value * s)) : hidden;
    for (let r = 0, i = 0; r < rows; r++) {
        let sum = 0;
        for (let c = 0; c < cols; c++, i++) sum += x[c] * weights[i];
        logits[r] = int8 ? (sum / s) * head.scale[r] : sum;
    }
    return logits;
}

function refuseOther(config) {
    const expected = {
        qkv: { norm: ['none'], act: 'a8', weight: ['ternary'] },
        o: { norm: ['none', 'rms'], act: 'a8', weight: ['ternary'] },
        gate_up: { norm: ['none'], act: 'a8', weight: ['ternary'] },
        down: { norm: ['none', 'rms'], act: 'a8', weight: ['ternary'] },
        head: { norm: ['none'], act: 'none', weight: ['f16', 'int8'] },
    };
    const sites = Object.entries(expected).every(([name, { norm, act, weight }]) => {
        const site = config.site[name];
        return (
            norm.includes(site.norm) &&
            weight.includes(site.weight) &&
            site.act === act &&
            site.rotate === 'none' &&
            site.keep === 'all'
        );
    });
    const rest =
        config.norm_place === 'pre' &&
        config.rope === 'neox' &&
        config.mask === 'causal' &&
        Object.hasOwn(GATES, config.ffn) &&
        !config.bias &&
        config.residual_scale === 1;
    if (!sites || !rest) throw new Error('decoder: the configuration is not of the 2B4T kind');
}

/** One timeline of tokens over a model of packed.mjs or masters.mjs. */
export class Decoder {
    /**
     * onSite(call): called at every linear site with { layer, site, position, s, scaled, codes },
     *   where scaled is x * s and codes its rounding; may return other codes to go on with.
     * onHidden(state, position, hidden): the residual stream after the embedding (0), after each
     *   layer (1 ...), and after the last norm.
     */
    constructor(model, { onSite, onHidden } = {}) {
        refuseOther(model.config);
        this.model = model;
        this.onSite = onSite;
        this.onHidden = onHidden;
        this.caches = model.layers.map(() => []);
        this.position = 0;
    }

    quantise(layer, site, x) {
        const { s, scaled, codes } = quantiseA8(x);
        const call = { layer, site, position: this.position, s, scaled, codes };
        return { s, codes: this.onSite?.(call) ?? codes };
    }

    attend(hidden, layer) {
        const { config, layers } = this.model;
        const weights = layers[layer];
        const cache = this.caches[layer];
        const x = rmsNorm(hidden, weights.attn_norm, config.norm_eps);
        const input = this.quantise(layer, 'qkv', x);
        const q = ternaryProduct(weights.q, input);
        const k = ternaryProduct(weights.k, input);
        rotate(q, config.head_dim, this.position, config.rope_theta);
        rotate(k, config.head_dim, this.position, config.rope_theta);
        cache.push({ k, v: ternaryProduct(weights.v, input) });
        let out = attention(q, cache, config);
        if (weights.attn_sub_norm) out = rmsNorm(out, weights.attn_sub_norm, config.norm_eps);
        return ternaryProduct(weights.o, this.quantise(layer, 'o', out));
    }

    feedForward(hidden, layer) {
        const { config, layers } = this.model;
        const weights = layers[layer];
        const x = rmsNorm(hidden, weights.ffn_norm, config.norm_eps);
        const input = this.quantise(layer, 'gate_up', x);
        const gate = ternaryProduct(weights.gate, input);
        const up = ternaryProduct(weights.up, input);
        let product = gate.map((value, i) => GATES[config.ffn](value) * up[i]);
        if (weights.ffn_sub_norm) product = rmsNorm(product, weights.ffn_sub_norm, config.norm_eps);
        return ternaryProduct(weights.down, this.quantise(layer, 'down', product));
    }

    /** Takes one token; returns the logits after it, or null when `logits` is false. */
    step(id, { logits = true } = {}) {
        const { config, layers, embed, head, norm } = this.model;
        let hidden = embedding(embed, id);
        const add = (delta) => (hidden = hidden.map((value, i) => value + delta[i]));
        this.onHidden?.(0, this.position, hidden);
        for (let layer = 0; layer < layers.length; layer++) {
            add(this.attend(hidden, layer));
            add(this.feedForward(hidden, layer));
            this.onHidden?.(layer + 1, this.position, hidden);
        }
        hidden = rmsNorm(hidden, norm, config.norm_eps);
        this.onHidden?.(layers.length + 1, this.position, hidden);
        this.position++;
        return logits ? headProduct(head, hidden) : null;
    }

    /** Takes several tokens; returns the logits after the last. */
    run(ids) {
        ids.slice(0, -1).forEach((id) => this.step(id, { logits: false }));
        return this.step(ids.at(-1));
    }
}

/** The id of the largest logit, the lowest on a tie, and its lead over the second. */
export function best(logits) {
    let id = 0;
    for (let i = 1; i < logits.length; i++) if (logits[i] > logits[id]) id = i;
    let second = -Infinity;
    for (let i = 0; i < logits.length; i++) if (i !== id && logits[i] > second) second = logits[i];
    return { id, margin: logits[id] - second };
}

/** -log softmax(logits)[id], in nats. */
export function loss(logits, id) {
    const max = logits.reduce((a, b) => Math.max(a, b));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
    return max + Math.log(total) - logits[id];
}
