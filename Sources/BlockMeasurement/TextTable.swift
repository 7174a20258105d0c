/// Rows of cells as lines for people. Columns are as wide as they must be, and those that nothing
/// is in are left out.
package enum TextTable {
    /// - Parameter texts: The columns that stand to the left, as words do; numbers stand to the
    ///   right.
    package static func lines(heads: [String], rows: [[String]], texts: Set<Int>) -> [String] {
        let all = [heads] + rows
        let columns = heads.indices.compactMap { column -> (index: Int, width: Int)? in
            guard rows.contains(where: { !$0[column].isEmpty }) else { return nil }
            return (column, all.map { $0[column].count }.max() ?? 0)
        }
        return all.map { row in
            let padded = columns.map { column, width in
                let space = String(repeating: " ", count: width - row[column].count)
                return texts.contains(column) ? row[column] + space : space + row[column]
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
