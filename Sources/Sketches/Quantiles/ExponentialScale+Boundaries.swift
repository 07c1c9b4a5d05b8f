extension ExponentialScale {
    /// The 64 bucket boundaries of one octave at scale 6: floor(2^52 * 2^(r/64)) for r in 0..<64.
    ///
    /// A double in [1, 2) with 53-bit mantissa m lies in a bucket <= r exactly when m <= boundaries[r]: for r > 0 the
    /// true boundary is irrational, so rounding it down loses nothing.
    static let boundaries: [UInt64] = [
        0x10000000000000, 0x102c9a3e778060, 0x1059b0d3158574, 0x10874518759bc8,
        0x10b5586cf9890f, 0x10e3ec32d3d1a2, 0x111301d0125b50, 0x11429aaea92ddf,
        0x1172b83c7d517a, 0x11a35beb6fcb75, 0x11d4873168b9aa, 0x12063b88628cd6,
        0x12387a6e756238, 0x126b4565e27cdd, 0x129e9df51fdee1, 0x12d285a6e4030b,
        0x1306fe0a31b715, 0x133c08b26416ff, 0x1371a7373aa9ca, 0x13a7db34e59ff6,
        0x13dea64c123422, 0x14160a21f72e29, 0x144e086061892d, 0x1486a2b5c13cd0,
        0x14bfdad5362a27, 0x14f9b2769d2ca6, 0x15342b569d4f81, 0x156f4736b527da,
        0x15ab07dd485429, 0x15e76f15ad2148, 0x16247eb03a5584, 0x16623882552224,
        0x16a09e667f3bcc, 0x16dfb23c651a2e, 0x171f75e8ec5f73, 0x175feb564267c8,
        0x17a11473eb0186, 0x17e2f336cf4e62, 0x182589994cce12, 0x1868d99b4492ec,
        0x18ace5422aa0db, 0x18f1ae99157736, 0x193737b0cdc5e4, 0x197d829fde4e4f,
        0x19c49182a3f090, 0x1a0c667b5de564, 0x1a5503b23e255c, 0x1a9e6b5579fdbf,
        0x1ae89f995ad3ad, 0x1b33a2b84f15fa, 0x1b7f76f2fb5e46, 0x1bcc1e904bc1d2,
        0x1c199bdd85529c, 0x1c67f12e57d14b, 0x1cb720dcef9069, 0x1d072d4a07897b,
        0x1d5818dcfba487, 0x1da9e603db3285, 0x1dfc97337b9b5e, 0x1e502ee78b3ff6,
        0x1ea4afa2a490d9, 0x1efa1bee615a27, 0x1f50765b6e4540, 0x1fa7c1819e90d8,
    ]

    /// 2 / (1 + b) for b = 2^(2^-scale), by number of halvings below scale 6: where in its bucket a value is reported.
    ///
    /// The same literals stand in the SQL functions, so both report bit-identical values.
    static let midpointFactors: [Double] = [
        0.9945848405840976, 0.9891699987466264, 0.9783425376737737, 0.9567053825006107,
        0.9135727662741103, 0.8284271247461902, 0.6666666666666666, 0.4,
    ]
}
