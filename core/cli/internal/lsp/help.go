package lsp

// Help tells what the server does, and how editors start it.
const Help = `Speaks the Language Server Protocol over standard input and output; an editor
starts it. While a mapping or fragment is written it shows what "crossdock map
check" finds, completes source members, functions, target members, code lists,
lookups and fragments, explains what stands under the cursor, and leads to where
a name is defined.

The project of a file is the nearest folder above it with a crossdock.yaml, or
the folder that the editor has open.

VS Code      with an extension that starts any language server, such as
             "Generic LSP Client": command "crossdock", args ["lsp"], language yaml
Neovim 0.11  vim.lsp.config("crossdock", {cmd = {"crossdock", "lsp"},
               filetypes = {"yaml"}, root_markers = {"crossdock.yaml"}})
             vim.lsp.enable("crossdock")
Helix        languages.toml: [language-server.crossdock] command = "crossdock",
             args = ["lsp"]; add "crossdock" to the language-servers of yaml
JetBrains    with the plugin LSP4IJ: a new server, command "crossdock lsp",
             file name pattern mappings/*.yaml`
