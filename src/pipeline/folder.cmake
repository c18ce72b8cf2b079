eddy_folder(pipeline SOURCES ring.c batch.c pipeline.c)
