import ArgumentParser

@main
struct OptimysticCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "optimystic")
}
