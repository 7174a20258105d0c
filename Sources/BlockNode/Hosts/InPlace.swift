/// Reads what a host holds where it lies. A plain read of a property of a class's struct copies the
/// whole struct first, and with it a count for everything that the struct refers to: of a machine
/// that is asked at every turn, as much as many of its events cost.
func inPlace<Machine, Value>(
    _ machine: inout Machine, _ read: (borrowing Machine) throws -> Value
) rethrows -> Value {
    try read(machine)
}
