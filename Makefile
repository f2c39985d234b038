.PHONY: build test race lint integration demo generate

build:            ## the one binary
	go build -trimpath -ldflags "-s -w" -o crossdock .

test:             ## what must pass on a fresh machine
	go test ./...

race:
	go test -race ./...

lint:             ## formatting, vet, staticcheck and the rules of .golangci.yml
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run --build-tags integration ./...

integration:      ## needs the servers that .ci/run installs
	go test -tags integration ./...

demo:
	go run . demo

generate:
	go generate ./canonical ./plugins/protocol
