/// An exact decimal number, `unscaled` x 10^-`scale`.
package struct FixedDecimal: Hashable, Sendable {
    /// All digits as one integer.
    package var unscaled: Int128
    /// How many of the digits stand after the decimal point.
    package var scale: Int

    /// A number.
    package init(unscaled: Int128, scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
    }

    /// The unscaled value at another scale, nil when digits would be lost or 128 bits do not hold it.
    package func rescaled(to target: Int) -> Int128? {
        var value = unscaled
        var scale = scale
        while scale < target {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product
            scale += 1
        }
        while scale > target {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            if remainder != 0 { return nil }
            value = quotient
            scale -= 1
        }
        return value
    }

    /// The double nearest to it.
    package var nearestDouble: Double {
        guard let value = Double("\(unscaled)e-\(scale)") else {
            preconditionFailure("digits with an exponent are a number")
        }
        return value
    }
}
