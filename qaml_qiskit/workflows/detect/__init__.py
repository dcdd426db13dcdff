"""`qaml detect`: how well detectors tell attacked and odd images from clean ones."""
