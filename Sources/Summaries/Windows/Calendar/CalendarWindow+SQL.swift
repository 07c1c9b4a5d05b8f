import Declaration
import Platform

extension CalendarWindow: QueryableWindow {
    package func starts(around time: String) -> WindowStarts {
        let place =
            switch zone {
            case .fixed(let rules): SQLWord.literal(rules.name)
            case .field(let field): SQLWord.name(field.name)
            }
        return WindowStarts("date_trunc('\(unit.rawValue)', \(time), \(place))")
    }
}
